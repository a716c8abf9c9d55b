"""What a customer may ask of us: to see all that is held on them, and to have it erased."""
