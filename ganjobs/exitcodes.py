"""What the command's exit status means.

======  ===============================================================
status  meaning
======  ===============================================================
0       done; for a job that was watched: succeeded
1       an expected failure, said in one line; or the job failed
2       the command line or the spec is not valid
3       the job was cancelled
4       the job is paused, and will not go on by itself
130     Ctrl-C ended the watching; the job goes on
======  ===============================================================
"""

OK = 0
FAILURE = 1
USAGE = 2
CANCELLED = 3
PAUSED = 4
INTERRUPTED = 130

BY_STATUS = {"succeeded": OK, "failed": FAILURE, "cancelled": CANCELLED, "paused": PAUSED}
