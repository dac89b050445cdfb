"""The command `labkit records`: any flow log, printed, counted, summed up or exported.

`arguments` says what it takes, `sources` opens what is to be read, `actions` and `export` do with
it what was asked for, `running` holds it together.
"""
