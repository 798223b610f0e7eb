# SPDX-License-Identifier: MIT
"""A benchmark beside a second CPU that is not quiet, and what of that the run says. The policy gives
guests the CPU's own local APIC, so that an NMI of the one is the other's."""
import pytest

from .conftest import BUILD, exitmeter, run_json


SAID = "1 NMI between VM exits and VM entries, or outside of guests"


@pytest.fixture(scope="module")
def jobs(tmp_path_factory):
    directory = tmp_path_factory.mktemp("beside") / "run"
    result = exitmeter("run", "--corpus", BUILD / "tests" / "beside.bin", "--guest", "beside*",
                       "--cpus", "2", "--policy", "passthrough-all", "-o", directory)
    jobs = {job["benchmark"]: job for job in run_json(directory)["jobs"]}
    assert result.code == int(any(job["status"] == "failed" for job in jobs.values())), result.err
    return jobs


def test_exits_of_another_cpu_disturb_nothing(jobs):
    calm = jobs["beside_calm"]
    assert (calm["status"], calm["exits_per_op"]) == ("done", 1)
    assert calm["validity"]["disturbed"] == [] and calm["validity"]["nmis"] == 0


def test_an_nmi_is_never_quiet(jobs):
    """It marks the job where it strikes the host, and fails it by name where it strikes the guest."""
    struck = [job for name, job in jobs.items() if name != "beside_calm"]
    assert len(struck) == 3
    marked = [job for job in struck if job["status"] == "done"]
    for job in marked:
        assert job["validity"]["nmis"] == 1 and job["exits_per_op"] == 1
        assert job["validity"]["disturbed"] == [SAID]
    assert marked
    for job in struck:
        if job not in marked:
            assert job["status"] == "failed" and job["reason"] == "the guest reported a failure"
