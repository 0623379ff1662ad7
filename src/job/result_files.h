// The files of a run's results, by name (results.h says what they are).
#pragma once

#include <array>
#include <string>
#include <string_view>

#include "report/tensorboard.h"

namespace laconic {

inline constexpr std::string_view kJobFile = "job.resolved.toml";
inline constexpr std::string_view kMetricsFile = "metrics.jsonl";
inline constexpr std::string_view kModelFile = "model.safetensors";
inline constexpr std::string_view kPythonFile = "model.pt";
inline constexpr std::string_view kBestFile = "model.best.safetensors";
inline constexpr std::string_view kBestPythonFile = "model.best.pt";
inline constexpr std::string_view kPreprocessFile = "preprocess.json";
inline constexpr std::string_view kSummaryFile = "summary.json";
inline constexpr std::string_view kWorkersFile = "workers.json";
inline constexpr std::string_view kPageFile = "report.html";
// A folder: the page's charts as files.
inline constexpr std::string_view kChartsFolder = "charts";
inline constexpr std::array kFiles = {kJobFile,     kMetricsFile, kTensorBoardFile, kModelFile,
                                      kPythonFile,  kBestFile,    kBestPythonFile,  kPreprocessFile,
                                      kWorkersFile, kSummaryFile, kPageFile,        kChartsFolder};

// The path of a file of results.
std::string result_path(const std::string& folder, std::string_view file);
// The whole text of a file; empty where there is none.
std::string read_result(const std::string& path);

}  // namespace laconic
