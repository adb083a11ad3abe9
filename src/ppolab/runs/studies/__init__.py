"""Studies: many runs that answer one question.

`sweep` searches for settings that learn better; `ablation` takes one ingredient away at a time. A
study is a folder like a home: its runs lie in its own `runs/`, each a whole run.
"""
