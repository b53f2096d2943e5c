"""``vbench cite``: BibTeX."""

from __future__ import annotations

from pathlib import Path

import click

from vbench.cli.common import out_option


@click.command("cite")
@click.argument("what", required=False)
@out_option
def command(what: str | None, out: str) -> None:
    """Print what to cite, as BibTeX: vbench, the data, and the papers of plugins that WHAT uses.

    WHAT is a benchmark in the results folder, a spec, or the name of a benchmark that vbench ships.
    Without it: vbench, and the paper that it follows. Of papers that plugins of others name, an
    entry repeats what they say: author, year, DOI or arXiv number.
    """
    from vbench import api, registry
    from vbench.records.plan import PlanFile
    from vbench.report.citing import bibtex
    from vbench.spec.load import stored_spec

    if what is None:
        click.echo(bibtex(None, registry.default()), nl=False)
        return
    plan = Path(out) / what / "plan.json"
    if plan.is_file():
        from vbench.files import read_json

        spec = stored_spec(PlanFile.read(read_json(plan), str(plan)).spec, plan)
        loaded, plugins = api.load(spec)
    else:
        loaded, plugins = api.load(what)
    click.echo(bibtex(loaded, plugins), nl=False)
