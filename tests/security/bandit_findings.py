"""What bandit calls medium or worse, each place looked at by a person, and why it may stand.

A place is a file and the name at its top level; the number is how many findings stand there. A new
finding fails, and so does a line here that nothing needs any more. Values reach PostgreSQL as
parameters ($1, ...) everywhere; what is said below is where the words around them come from.
"""

Place = tuple[str, str, str]

FINDINGS: dict[Place, tuple[int, str]] = {
    ("amends/dossier.py", "_statement", "B608"): (
        1, "`packed` is made of models' tables; `where` is 'id = $1' or 'ref = $1', both literals",
    ),
    ("amends/flow/goodwill.py", "_OF_PERSON", "B608"): (
        1, "a constant built from the constant above it when the module is read",
    ),
    ("amends/jobs.py", "with_job", "B608"): (
        1, "the INSERT of the caller, a literal there, and placeholders counted from a number",
    ),
    ("amends/json_rows.py", "one", "B608"): (
        1, "columns of a model; callers write `where` from literals and constants beside the call",
    ),
    ("amends/json_rows.py", "many", "B608"): (
        1, "columns of a model; callers write `where` from literals and constants beside the call",
    ),
    ("amends/json_rows.py", "_select", "B608"): (1, "the table and the columns of a model"),
    ("amends/queries/customer.py", "_listed", "B608"): (
        1, "called while the module is read, each time with a constant",
    ),
    ("amends/queries/customer.py", "_ALL", "B608"): (
        2, "names of columns and a number, constants of the module",
    ),
    ("amends/queries/staff.py", "_customer_sql", "B608"): (
        3, "constants of the module and the columns of models; cached without an argument",
    ),
    ("amends/queries/staff_page.py", "_named", "B608"): (
        2, "a placeholder, `$4` or `$5`, and a number",
    ),
    ("amends/queries/staff_page.py", "_written", "B608"): (
        2, "a View, which an enumeration closes, and constants",
    ),
    ("amends/queries/staff_views.py", "_EXCEPTIONS", "B608"): (1, "one number, a constant"),
    ("amends/queries/staff_views.py", "_WAITING", "B608"): (
        1, "a condition and a number, both constants",
    ),
    ("amends/queries/staff_views.py", "neighbours", "B608"): (
        1, "the order and condition of a View, looked up in constant tables",
    ),
    ("amends/queries/staff_waiting.py", "_MOVING", "B608"): (
        1, "conditions and numbers, constants of the module",
    ),
    ("amends/rows.py", "_select", "B608"): (
        1, "table and columns of a model; `where` is a literal at each caller",
    ),
    ("amends/rows.py", "_update", "B608"): (
        1, "columns looked up in the model by name, an unknown one is a KeyError; literal `where`",
    ),
    ("amends/read_log.py", "_NOTE_AND_COUNT", "B608"): (1, "numbers of placeholders"),
    ("amends/search.py", "_found_in", "B608"): (
        3, "four fixed searches call it with names of tables and conditions of the module",
    ),
    ("amends/search.py", "_by_words", "B608"): (2, "statements built above and a number"),
    ("web/marks.py", "_tag", "B704"): (
        1, "`tone` and `word` are escaped in the line; `picture` is Markup of the icons",
    ),
    ("amends/flow/attempts.py", "_READY", "B608"): (
        1, "a constant of quarantine.py, built in when the module is read",
    ),
    ("amends/queries/staff_views.py", "LINE", "B608"): (1, "a constant of the module"),
    ("amends/queries/staff_views.py", "LABELS", "B608"): (1, "a constant of shelf.py"),
    ("amends/queries/staff_views.py", "_numbers", "B608"): (
        1, "conditions looked up by View in a constant table; a stranger's word is a KeyError",
    ),
    ("amends/queries/staff_views.py", "packed", "B608"): (
        1, "a statement of the caller, built there of constants and placeholders",
    ),
    ("amends/queries/staff_waiting.py", "_LINES", "B608"): (1, "one number, a constant"),
    ("amends/rows.py", "_insert_if", "B608"): (
        1, "table and columns of a model, placeholders; `made` is a literal at each caller",
    ),
    ("amends/search.py", "_meant", "B608"): (
        2, "fixed searches of the module, numbered, and constants; the text is `$3`",
    ),
    ("amends/search.py", "_rows", "B608"): (1, "a fixed search of the module and a number"),
    ("web/marks.py", "_link", "B704"): (
        1, "name, address and number are escaped in the line; the rest are two literals",
    ),
}  # fmt: skip
