# SPDX-License-Identifier: MIT
"""exitmeter export: a run in the formats of other tools. Written packet by packet, so that the size
of a run is no matter."""

import shutil
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import TextIO

from . import export_csv, export_folded, export_openmetrics, export_perfetto
from .errors import EXIT_DAMAGED, EXIT_DONE, BadInput, NotPossible
from .output import complain, scratch, standard, stream_whole
from .profile import is_profile, open_profile
from .run import Run, open_run

# Each writes a run's text: write(run, stream).
TEXTS = {"perfetto": export_perfetto.write, "csv": export_csv.write_samples,
         "folded": export_folded.write, "openmetrics": export_openmetrics.write}

FORMATS = ("ctf", *TEXTS)
CSV_OF = {"samples": export_csv.write_samples, "records": export_csv.write_records}


def export(path: Path, form: str, output: Path | None, csv_of: str | None) -> int:
    """Write the run as form. output: None is stdout."""
    if csv_of and form != "csv":
        raise BadInput("--of says what the CSV is of: it goes with --format csv")
    if is_profile(path):
        if form != "folded":
            raise NotPossible(f"{path}: the profile of a guest has no samples and no records: "
                              "--format folded is what there is of it")
        with _target(output) as stream:
            export_folded.write_profile(open_profile(path), stream)
        return EXIT_DONE
    run = open_run(path)
    if form == "ctf":
        copy_trace(run, output)
    else:
        write = CSV_OF[csv_of] if csv_of else TEXTS[form]
        with _target(output) as stream:
            write(run, stream)
    return EXIT_DAMAGED if complain(run.damages) else EXIT_DONE


@contextmanager
def _target(output: Path | None) -> Iterator[TextIO]:
    """The file, which is there whole or not at all, or stdout, whose reader may go away."""
    if output:
        with stream_whole(output) as stream:
            yield stream
        return
    with standard(sys.stdout):
        yield sys.stdout


def copy_trace(run: Run, output: Path | None) -> None:
    """RUN/trace is CTF 1.8 as it stands: a copy for whoever wants it without the rest."""
    if run.trace is None or not any(len(stream.packets) for stream in run.trace.streams.values()):
        raise NotPossible(f"{run.path}: no exit was recorded, so there is no trace")
    if output is None:
        raise BadInput("a CTF trace is a directory: -o DIRECTORY is needed")
    if output.exists():
        raise BadInput(f"{output}: there already")
    try:
        with scratch(output.parent, f".{output.name}.") as directory:
            shutil.copytree(run.trace.directory, directory / "trace")
            (directory / "trace").rename(output)  # there whole or not at all
    except (OSError, shutil.Error) as error:
        raise BadInput(f"{output}: cannot be written: {error}") from error
