"""Where a rule does not hold, and why; one line per rule and file."""

EXCEPTIONS: dict[tuple[str, str], str] = {
    (
        "no_trusted_markup",
        "web/marks.py",
    ): "icons, tags and times: each part is escaped where it is put in",
    (
        "no_trusted_markup",
        "amends/gateways/mail_pages.py",
    ): "autoescape is on for HTML and off for plain text, by the name",
    (
        "no_guessable_secret",
        "amends/flow/outbox.py",
    ): "the name of a row or of one try, which opens nothing",
    (
        "no_guessable_secret",
        "amends/flow/dispute_calls.py",
    ): "the name of a row or of one try, which opens nothing",
    (
        "no_guessable_secret",
        "amends/flow/cancellation.py",
    ): "the name of a row or of one try, which opens nothing",
    (
        "no_guessable_secret",
        "amends/epoch.py",
    ): "the name of a row or of one try, which opens nothing",
    (
        "no_guessable_secret",
        "amends/reconcile/progress.py",
    ): "the name of a row or of one try, which opens nothing",
    (
        "no_guessable_secret",
        "amends/quarantine.py",
    ): "the name of a row or of one try, which opens nothing",
    (
        "no_guessable_secret",
        "amends/ledger.py",
    ): "the name of a row or of one try, which opens nothing",
    (
        "no_guessable_secret",
        "amends/flow/recharge.py",
    ): "the name of a row or of one try, which opens nothing",
    (
        "no_guessable_secret",
        "amends/flow/planning.py",
    ): "the name of a row or of one try, which opens nothing",
    (
        "no_guessable_secret",
        "amends/flow/evidence.py",
    ): "the name of a row or of one try, which opens nothing",
    (
        "no_guessable_secret",
        "amends/flow/address_at_stripe.py",
    ): "the name of a row or of one try, which opens nothing",
    ("no_log_beside_structlog", "web/logs.py"): "sets the loggers of the libraries up",
    (
        "no_log_beside_structlog",
        "amends/rights.py",
    ): "prints the page of rights when it is run by itself",
    ("no_sql_from_input", "amends/pooler.py"): "hands on what its callers pass",
    ("no_sql_from_input", "amends/queries/customer.py"): "made of constants of the module",
    (
        "no_sql_from_input",
        "amends/queries/customer_list.py",
    ): "a parameter that is one of the constants of the module",
    ("no_sql_from_input", "amends/queries/staff.py"): "made of constants and the columns of models",
    ("no_sql_from_input", "amends/queries/staff_waiting.py"): "made of constants of the module",
    ("no_sql_from_input", "amends/rows.py"): "made of the columns of a model",
    ("no_sql_from_input", "amends/roles.py"): "names of roles, quoted by psycopg.sql",
    ("no_sql_from_input", "amends/search.py"): "made of constants of the module",
    (
        "no_sql_from_input",
        "amends/reconcile/books.py",
    ): "a parameter that is one of the constants of the module",
    (
        "no_sql_from_input",
        "amends/queries/staff_views.py",
    ): "a parameter that is one of the constants of the module",
    (
        "no_sql_from_input",
        "amends/queries/oversight.py",
    ): "a parameter that is one of the three constants of the module",
    (
        "no_sql_from_input",
        "amends/queries/staff_reports.py",
    ): "a parameter that is one of the constants of the module",
    (
        "no_sql_from_input",
        "amends/queries/staff_page.py",
    ): "made of constants, chosen by a closed list of views",
    (
        "no_sql_from_input",
        "amends/privacy/erase.py",
    ): "a parameter that is one of the constants of the module",
    ("no_sql_from_input", "amends/migrate.py"): "the schema of the queue, from its package",
    (
        "no_sql_from_input",
        "amends/flow/sweep.py",
    ): "a parameter that is one of the constants of the module",
    (
        "no_sql_from_input",
        "amends/flow/goodwill.py",
    ): "a parameter that is one of the constants of the module",
    ("no_sql_from_input", "amends/embedded.py"): "names of databases, quoted by psycopg.sql",
    ("no_sql_from_input", "amends/dossier.py"): "made of constants of the module",
    ("no_pattern_from_input", "amends/rules/card_text.py"): "a length from a table of countries",
    ("no_pattern_from_input", "amends/order_file/cells.py"): "prefixes of Stripe ids from the code",
    (
        "no_pattern_from_input",
        "amends/gateways/upload_pdfs.py",
    ): "names of PDF from a list in the module",
    ("no_way_out_but_the_known", "web/oidc.py"): "the identity provider of the settings",
    (
        "no_way_out_but_the_known",
        "amends/gateways/virus_scan.py",
    ): "the virus scanner of the settings",
    ("no_way_out_but_the_known", "amends/gateways/stripe_connection.py"): "Stripe",
    ("no_way_out_but_the_known", "amends/commands/probes.py"): "addresses of the settings",
    ("no_way_out_but_the_known", "amends/commands/probe_stripe.py"): "Stripe",
    (
        "no_way_out_but_the_known",
        "amends/commands/demo_plan.py",
    ): "looks for free ports of this machine",
    ("no_way_out_but_the_known", "amends/commands/demo_moved.py"): "the demo on this machine",
    ("no_way_out_but_the_known", "amends/commands/demo_children.py"): "the demo on this machine",
    ("no_way_out_but_the_known", "amends/commands/demo.py"): "the demo on this machine",
    (
        "no_stripe_write_without_a_key",
        "amends/gateways/stripe.py",
    ): "a page of the billing portal; it moves nothing",
}
