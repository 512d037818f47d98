"""``llms prune --usage``: usage that is older than it is kept."""

from django_app.llms.commands.task import OK, Task
from django_app.llms.usage.retention import delete_in_steps, old_rows


def run(task: Task) -> int:
    """Delete it in steps; may be interrupted and run again."""
    counts = {}
    for name, rows in old_rows(task.using, task.options["days"]).items():
        if task.dry_run:
            counts[name] = rows.count()
            task.say(f"{counts[name]} {name} would be deleted")
            continue
        counts[name] = 0
        for step in delete_in_steps(rows):
            counts[name] += step
            task.progress.write(f"{name}: {counts[name]}\n")
        task.say(f"{counts[name]} {name} deleted")
    task.answer({"dry_run": task.dry_run, "deleted": counts})
    return OK
