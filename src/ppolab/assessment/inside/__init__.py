"""Programs that run in a box beside a submission, one for each kind of challenge that needs one.

They drive the submission and pass its answers on. None of them knows an expected value or gives a
verdict, so a submission that tampers with them gains nothing: all that leaves a box is data.

Each defines `answer(submission, entry, given, *args)`: the submission's namespace, the name it was
to define, the files that the challenge gives, and the arguments of one case.
"""
