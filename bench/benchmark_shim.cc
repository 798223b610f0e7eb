/* SPDX-License-Identifier: MIT */
#include "benchmark_shim.h"

#include <benchmark/benchmark.h>

#include <algorithm>
#include <cstring>
#include <fstream>
#include <memory>
#include <regex>
#include <sstream>
#include <string>
#include <vector>

/* CSVReporter is deprecated, and still what --benchmark_out_format=csv documents. */
#pragma GCC diagnostic ignored "-Wdeprecated-declarations"

namespace
{

using benchmark::BenchmarkReporter;
using Runs = std::vector<BenchmarkReporter::Run>;

/* Where one reporter's output goes, and how much of it. */
struct sink {
    std::unique_ptr<BenchmarkReporter> reporter;
    bool aggregates_only;
};

/*
 * Passes everything on to several reporters, after taking out of it what Google Benchmark adds:
 * suffixes of names (/iterations:1000/manual_time) and the CPU time that reporting itself took.
 */
class Cleaner : public BenchmarkReporter
{
  public:
    std::vector<sink> sinks;
    size_t name_width = 10;

    bool ReportContext(const Context &context) override
    {
        Context narrow = context;
        narrow.name_field_width = name_width;
        for (sink &to : sinks)
            if (!to.reporter->ReportContext(narrow))
                return false;
        return true;
    }

    void ReportRuns(const Runs &runs) override
    {
        Runs clean = runs;
        for (Run &run : clean) {
            benchmark::BenchmarkName name;
            name.function_name = run.run_name.function_name;
            run.run_name = name;
            run.cpu_accumulated_time = run.real_accumulated_time;
        }
        for (sink &to : sinks)
            if (!to.aggregates_only || !aggregates_follow(clean))
                to.reporter->ReportRuns(clean);
    }

    void Finalize() override
    {
        for (sink &to : sinks)
            to.reporter->Finalize();
    }

  private:
    /* Google Benchmark adds statistics where at least two repetitions succeeded. */
    static bool aggregates_follow(const Runs &runs)
    {
        return std::count_if(runs.begin(), runs.end(), [](const Run &run) {
                   return run.run_type == Run::RT_Iteration && !run.error_occurred;
               }) >= 2;
    }
};

char *copy(const std::string &message)
{
    return strdup(message.c_str());
}

/* One repetition: all iterations at once, with the time that was measured elsewhere. */
void replay(benchmark::State &state, const shim_entry &entry)
{
    state.SetLabel(entry.label);
    if (entry.error) {
        state.SkipWithError(entry.error);
        return;
    }
    while (state.KeepRunningBatch(state.max_iterations))
        state.SetIterationTime(entry.total * 1e-9);
    for (size_t i = 0; i < entry.counter_count; i++)
        state.counters[entry.counters[i].name] = entry.counters[i].value;
}

/* Registers the entries of one name, [first, last). */
void add(const shim_entry *first, const shim_entry *last)
{
    auto next = std::make_shared<const shim_entry *>(first);
    const shim_entry *done =
        std::find_if(first, last, [](const shim_entry &e) { return !e.error; });
    uint64_t iterations = done != last ? done->iterations : 1;
    benchmark::RegisterBenchmark(first->name,
                                 [next](benchmark::State &state) { replay(state, *(*next)++); })
        ->UseManualTime()
        ->Unit(benchmark::kNanosecond)
        ->Iterations(static_cast<benchmark::IterationCount>(iterations))
        ->Repetitions(static_cast<int>(last - first));
}

std::unique_ptr<BenchmarkReporter> make_reporter(const std::string &format)
{
    if (format == "csv")
        return std::make_unique<benchmark::CSVReporter>();
    if (format == "console")
        return std::make_unique<benchmark::ConsoleReporter>(benchmark::ConsoleReporter::OO_None);
    return std::make_unique<benchmark::JSONReporter>();
}

/*
 * Flags come from the command line alone, so those that the harness acts on itself are pinned here
 * against BENCHMARK_* variables of the environment.
 */
void initialize(const shim_report &report)
{
    std::vector<std::string> arguments = {
        "exitmeter",
        "--benchmark_filter=.",
        "--benchmark_out=",
        "--benchmark_list_tests=false",
        "--benchmark_repetitions=1",
        "--benchmark_report_aggregates_only=false",
        "--benchmark_display_aggregates_only=false",
        "--benchmark_enable_random_interleaving=false",
        "--benchmark_perf_counters=",
    };
    arguments.insert(arguments.end(), report.passed_on, report.passed_on + report.passed_on_count);
    std::vector<char *> pointers;
    for (std::string &argument : arguments)
        pointers.push_back(&argument[0]);
    static char name[] = "exitmeter"; /* Google Benchmark keeps the pointer */
    pointers[0] = name;
    int count = static_cast<int>(pointers.size());
    pointers.push_back(nullptr);
    benchmark::Initialize(&count, pointers.data());
    for (size_t i = 0; i < report.context_count; i++)
        benchmark::AddCustomContext(report.context[i].key, report.context[i].value);
}

/* Flushes a file; false, with a message, if any byte of it was lost. */
bool finish(std::ofstream &file, const char *path, char **error)
{
    file.close();
    if (file)
        return true;
    *error = copy(std::string(path) + ": could not be written");
    return false;
}

} // namespace

extern "C" int shim_filter(const char *spec, const char *const *names, size_t count, bool *keep,
                           char **error)
{
    std::string expression = spec;
    if (expression.empty() || expression == "all")
        expression = ".";
    bool negative = expression[0] == '-';
    try {
        std::regex regex(expression.substr(negative), std::regex_constants::extended);
        for (size_t i = 0; i < count; i++)
            keep[i] = std::regex_search(names[i], regex) != negative;
    } catch (const std::regex_error &bad) {
        *error = copy(bad.what());
        return -1;
    }
    return 0;
}

extern "C" int shim_show(const struct shim_report *report, char **error)
{
    initialize(*report);
    std::ofstream json(report->json), out;
    std::ostringstream host_noise; /* the host's caches and load say nothing about the target */
    Cleaner cleaner;

    cleaner.sinks.push_back(
        {std::unique_ptr<BenchmarkReporter>(benchmark::CreateDefaultDisplayReporter()),
         report->display_aggregates_only});
    cleaner.sinks.push_back({make_reporter("json"), false});
    cleaner.sinks[0].reporter->SetErrorStream(&host_noise);
    cleaner.sinks[1].reporter->SetOutputStream(&json);
    if (report->out) {
        out.open(report->out);
        cleaner.sinks.push_back({make_reporter(report->out_format), report->out_aggregates_only});
        cleaner.sinks[2].reporter->SetOutputStream(&out);
        cleaner.sinks[2].reporter->SetErrorStream(&out);
    }

    const shim_entry *end = report->entries + report->entry_count;
    for (const shim_entry *first = report->entries, *last; first != end; first = last) {
        last = std::find_if(first, end, [first](const shim_entry &entry) {
            return strcmp(entry.name, first->name) != 0;
        });
        size_t statistics = last - first > 1 ? strlen("_median") + 1 : 0;
        cleaner.name_width = std::max(cleaner.name_width, strlen(first->name) + statistics);
        add(first, last);
    }
    if (report->entry_count > 0) {
        benchmark::RunSpecifiedBenchmarks(&cleaner, ".");
    } else { /* Google Benchmark calls having nothing to do an error */
        cleaner.sinks[1].reporter->ReportContext(BenchmarkReporter::Context());
        cleaner.sinks[1].reporter->Finalize();
    }
    benchmark::Shutdown();
    return finish(json, report->json, error) && (!report->out || finish(out, report->out, error))
               ? 0
               : -1;
}

extern "C" int shim_time(int argc, char **argv, const struct shim_case *cases, size_t count)
{
    benchmark::Initialize(&argc, argv);
    if (benchmark::ReportUnrecognizedArguments(argc, argv))
        return -1;
    for (size_t i = 0; i < count; i++) {
        const shim_case &timed = cases[i];
        benchmark::RegisterBenchmark(timed.name, [&timed](benchmark::State &state) {
            for (auto _ : state)
                timed.work(timed.context);
            if (timed.items)
                state.SetItemsProcessed(state.iterations() * static_cast<int64_t>(timed.items));
            if (timed.bytes)
                state.SetBytesProcessed(state.iterations() * static_cast<int64_t>(timed.bytes));
        });
    }
    benchmark::RunSpecifiedBenchmarks();
    benchmark::Shutdown();
    return 0;
}
