# SPDX-License-Identifier: MIT
"""exitmeter pmu: events by name, for CPUs that are not here."""

import json

import pytest

OS = 1 << 17


def document(home, *arguments, **options):
    result = home.run("pmu", *arguments, "--json", **options)
    assert result.returncode == 0, result.stderr
    assert result.stderr == ""
    return json.loads(result.stdout)


def encoded(home, *arguments, **options):
    return document(home, "encode", *arguments, **options)["events"]


def test_help(home):
    text = home.run("pmu", "--help").stdout
    assert "Usage: exitmeter pmu SUBCOMMAND" in text
    for name in ("list", "models", "encode"):
        assert f"  {name} " in text
    text = home.run("pmu", "list", "--help").stdout
    assert "Usage: exitmeter pmu list [PATTERN] [OPTION]..." in text
    assert "--pmu-model=MODEL" in text


@pytest.mark.parametrize("arguments, words", [
    ([], ["which subcommand"]),
    (["lsit"], ["unknown subcommand 'lsit'", "did you mean list?"]),
    (["--jsn"], ["unknown option '--jsn'"]),
    (["list", "--pmu-modl=hsw"], ["unknown option --pmu-modl", "--pmu-model"]),
    (["list", "a", "b"], ["takes no argument 'b'"]),
    (["list", "--pmu-model", "hws"], ["unknown PMU model 'hws'", "hsw"]),
    (["list", "--pmu-model", "hws", "--json"], ["unknown PMU model 'hws'"]),
    (["list", "NOTHING*"], ["no event of hsw matches 'NOTHING*'"]),
    (["list", "NOTHING*", "--pmu-model", "all"], ["no event of any model matches 'NOTHING*'"]),
    (["list", "UOPS_ISUED"], ["hsw has no event 'UOPS_ISUED'", "did you mean UOPS_ISSUED?"]),
    (["list", "FRONTEND_RETIRED"], ["hsw has no event", "shows what there is"]),
    (["models", "hsw"], ["takes no argument 'hsw'"]),
    (["encode"], ["which events?"]),
    (["encode", "cycles", "cycles"], ["takes no argument 'cycles'"]),
    (["encode", ""], ["empty"]),
    (["encode", "instructons"], ["did you mean instructions?"]),
    (["encode", "slots"], ["hsw has no event 'slots'; it is on icl, icx, spr"]),
    (["encode", "UOPS_ISSUED:ANY:q=1"], ["no modifier 'q=1'"]),
    (["encode", "skx::UOPS_ISSUED"], ["another PMU model"]),
    (["encode", "UOPS_ISSUED", "--pmu-model", "spx"], ["unknown PMU model 'spx'", "spr"]),
    (["encode", "MEM_LOAD_UOPS_RETIRED:L1_MISS", "--pmu-model", "spr"],
     ["spr has no event 'MEM_LOAD_UOPS_RETIRED:L1_MISS'", "did you mean", "it is on", "hsw"]),
])
def test_bad_usage(home, arguments, words):
    result = home.run("pmu", *arguments)
    assert (result.returncode, result.stdout) == (2, "")
    for word in words:
        assert word in result.stderr


def test_models(home):
    answer = document(home, "models")
    assert answer["schema"] == "exitmeter.pmu-models/1"
    models = {model["name"]: model for model in answer["models"]}
    assert [name for name in models if models[name]["default"]] == ["hsw"]
    assert (models["hsw"]["general_counters"], models["hsw"]["fixed_counters"]) == (4, 3)
    assert (models["spr"]["general_counters"], models["spr"]["fixed_counters"]) == (8, 4)
    assert all(model["events"] > 0 for model in models.values())
    lines = home.run("pmu", "models").stdout.splitlines()
    assert [line.split()[0] for line in lines] == list(models)
    assert [line.split()[0] for line in lines if line.endswith("(default)")] == ["hsw"]


def test_list(home):
    answer = document(home, "list")
    assert answer["schema"] == "exitmeter.pmu-list/1"
    (model,) = answer["models"]
    assert (model["name"], model["description"]) == ("hsw", "Intel Haswell")
    events = {event["name"]: event for event in model["events"]}
    assert events["instructions"]["architectural"] is True
    assert "slots" not in events
    uops = events["UOPS_ISSUED"]
    assert uops["architectural"] is False
    assert {mask["name"]: mask["default"] for mask in uops["unit_masks"]}["ANY"] is True
    assert {"k", "u", "e", "i", "c", "t"} <= {modifier["name"] for modifier in uops["modifiers"]}
    text = home.run("pmu", "list").stdout
    assert text.startswith("hsw: Intel Haswell\n  instructions ")
    assert "\n    :ANY" in text


@pytest.mark.parametrize("pattern, found", [
    ("TLB_FLUSH", {"TLB_FLUSH": ["DTLB_THREAD", "STLB_ANY"]}),
    ("tlb_flu*", {"TLB_FLUSH": ["DTLB_THREAD", "STLB_ANY"]}),
    ("*:stlb_any", {"TLB_FLUSH": ["STLB_ANY"]}),
    ("ref-*", {"ref-cycles": []}),
])
def test_patterns(home, pattern, found):
    (model,) = document(home, "list", pattern)["models"]
    assert {event["name"]: [mask["name"] for mask in event["unit_masks"]]
            for event in model["events"]} == found


def test_every_listed_name_is_encoded_or_says_why_not(home):
    (model,) = document(home, "list", "--pmu-model", "icx", "C*")["models"]
    names = [f"{event['name']}:{mask['name']}" if mask else event["name"]
             for event in model["events"] for mask in event["unit_masks"] or [None]]
    assert len(names) > 20
    for name in names:
        assert encoded(home, name, "--pmu-model", "icx")[0]["name"] == name


def test_list_of_all_models(home):
    answer = document(home, "list", "--pmu-model", "all", "FRONTEND_RETIRED")
    assert [model["name"] for model in answer["models"]] == [
        "skl", "skx", "clx", "icl", "icx", "spr"]


def test_encode(home):
    answer = document(home, "encode", "instructions,cycles:k:u,MEM_LOAD_UOPS_RETIRED.L3_HIT,ref-cycles")
    assert answer["schema"] == "exitmeter.pmu-encoding/2"
    assert (answer["model"], answer["runs"]) == ("hsw", 3)
    rows = [(event["selector"], event["fixed"], event["host"]["counter_kind"],
             event["host"]["counter"]) for event in answer["events"]]
    assert rows == [(0xc0 | OS, 0, "fixed", 0), (0x3c | OS | OS >> 1, 1, "fixed", 1),
                    (0x4d1 | OS, None, "general", 2), (OS, 2, "fixed", 2)]
    # A fixed counter counts on one side at a time; a general one does where there is one.
    guests = [(event["guest"]["run"], event["guest"]["counter_kind"]) for event in answer["events"]]
    assert guests == [(1, "general")] * 3 + [(3, "fixed")]
    load = answer["events"][2]
    assert load["name"] == "MEM_LOAD_UOPS_RETIRED.L3_HIT"
    assert load["full_name"].startswith("MEM_LOAD_UOPS_RETIRED:L3_HIT:k=1:u=0")
    assert load["counters"] == 0xf
    assert "extra_msr" not in load


def test_encode_with_an_extra_msr(home):
    (event,) = encoded(home, "FRONTEND_RETIRED:L1I_MISS", "--pmu-model", "skx")
    assert (event["extra_msr"], event["extra_value"]) == (0x3f7, 0x12)
    assert "MSR 0x3f7 = 0x12" in home.run(
        "pmu", "encode", "FRONTEND_RETIRED:L1I_MISS", "--pmu-model", "skx").stdout


def test_more_events_than_counters(home):
    names = ["UOPS_ISSUED:ANY", "branches", "branch-misses", "LLC_MISSES", "LLC_REFERENCES",
             "instructions"]
    answer = document(home, "encode", ",".join(names))
    assert answer["runs"] == 3
    assert [event["host"]["run"] for event in answer["events"]] == [1, 1, 2, 2, 3, 1]
    assert document(home, "encode", ",".join(names), "--pmu-model", "icx")["runs"] == 2
    lines = home.run("pmu", "encode", ",".join(names)).stdout.splitlines()
    assert [line.split()[0] for line in lines] == names
    assert "host: run 3" in lines[4]


@pytest.mark.parametrize("variable, value", [
    ("LIBPFM_FORCE_PMU", "skl"), ("LIBPFM_DISABLED_PMUS", "hsw,icl"),
    ("LIBPFM_ENCODE_INACTIVE", "0")])
def test_settings_for_other_users_of_libpfm_do_not_matter(home, variable, value):
    environment = {**home.environment(), variable: value}
    (event,) = encoded(home, "UOPS_ISSUED:ANY", env=environment)
    assert event["selector"] == 0x10e | OS
