"""Jobs: commands that run detached, one at a time per device, and whose state is on the disk alone.

`jobs.Jobs` is the door. A keeper process (`keeper`) takes a job, runs its command line as a child, writes
down how it ended, takes the next, and is gone when nothing is left. The child speaks through `job_report`.
"""
