// `laconic evaluate`: models from files and runs, measured on the data of a job.
#include <filesystem>
#include <ostream>
#include <span>
#include <utility>

#include "base/error.h"
#include "base/supervision.h"
#include "cli/commands.h"
#include "cli/work_display.h"
#include "job/job.h"
#include "job/result_files.h"
#include "job/wiring.h"
#include "report/class_metrics.h"
#include "report/evaluation_text.h"
#include "report/format.h"
#include "report/score.h"
#include "training/data/preprocessing.h"
#include "training/models/model_file.h"
#include "training/models/named_tensors.h"

namespace laconic {
namespace {

namespace fs = std::filesystem;

struct Measured {
  std::string job_file;
  std::vector<std::string> models;
};

bool is_file(const std::string& path) {
  std::error_code error;
  return fs::is_regular_file(path, error);
}

bool is_folder(const std::string& path) {
  std::error_code error;
  return fs::is_directory(path, error);
}

std::vector<std::string> models_in(const std::string& folder) {
  std::vector<std::string> models;
  for (const std::string_view name : {kBestFile, kModelFile}) {
    if (is_file(result_path(folder, name))) models.push_back(result_path(folder, name));
  }
  return models;
}

// What is to be measured, on what.
Measured find(const EvaluateArguments& arguments) {
  Measured found;
  std::string folder;
  if (!arguments.model.empty()) found.models.push_back(arguments.model);
  for (const std::string& path : arguments.files) {
    const bool is_job = fs::path(path).extension() == ".toml";
    if (is_folder(path)) {
      if (!folder.empty()) throw UsageError(path + ": a second folder; laconic compare A B puts runs side by side");
      folder = path;
    } else if (is_job) {
      if (!found.job_file.empty()) throw UsageError(path + ": a second job; measure on one at a time");
      found.job_file = path;
    } else {
      if (!found.models.empty()) throw UsageError(path + ": a second model; measure one at a time");
      found.models.push_back(path);
    }
  }
  if (!folder.empty() && found.models.empty()) {
    found.models = models_in(folder);
    if (found.models.empty()) throw UsageError(folder + ": holds no model; give the folder of a run's results");
  }
  if (found.job_file.empty()) {
    const std::string place = folder.empty() ? fs::path(found.models.front()).parent_path().string() : folder;
    found.job_file = result_path(place, kJobFile);
    if (!is_file(found.job_file)) {
      const std::string of = found.models.front();
      if (!is_file(of)) throw UsageError(of + ": no such file or folder; give a model's file or a run's results");
      throw UsageError(of + ": on which data? Name the job: laconic evaluate " + of + " job.toml");
    }
  }
  return found;
}

// The models of the job's own results.
std::vector<std::string> own_models(const std::string& job_file, const Job& job) {
  std::vector<std::string> models = models_in(job.output_dir);
  if (models.empty()) {
    throw UsageError(job_file + ": has no results in " + job.output_dir +
                     " yet; run it first, or name the model: laconic evaluate model.pt " + job_file);
  }
  return models;
}

// A module is measured itself, in the place of the job's model.
Job job_for(const Measured& measured, const EvaluateArguments& arguments, const ModelFile& file) {
  std::vector<std::string> overrides = arguments.overrides;
  if (file.kind == ModelFileKind::kTorchScript) {
    overrides.insert(overrides.end(),
                     {"model.name=torchscript", "model.file=" + measured.models.front(), "model.start="});
  }
  return load_job(measured.job_file, overrides);
}

std::vector<float> tensors_of(const ModelFile& file, const std::string& path, const JobSetup& setup) {
  if (file.kind == ModelFileKind::kRawSamples && file.preparation != preprocess_text(*setup.data)) {
    throw UsageError(path +
                     ": prepares its samples in another way than those of this job are prepared (mean, deviation, " +
                     "classes or test rows differ); measure it on the job that it was trained with");
  }
  const bool is_ours = file.kind == ModelFileKind::kSafetensors || file.kind == ModelFileKind::kStateDict;
  return in_layout(file.tensors, setup.training->stored_layout(),
                   is_ours ? OtherTensors::kRefused : OtherTensors::kLeftOut, path);
}

class Measurements {
 public:
  Measurements(const Job& job, const Dataset& data, bool of_several)
      : job_(job.name),
        classes_(data.input == Input::kImages ? data.class_names : std::vector<std::string>()),
        of_numbers_(data.numbers > 0),
        of_several_(of_several),
        table_(columns()) {}

  void add(const std::string& path, const JobSetup& setup, std::span<const float> tensors) {
    const std::string model = fs::path(path).filename().string();
    std::vector<SplitEvaluation> splits;
    for (const auto& [name, split] : {std::pair("test", Split::kTest), std::pair("validation", Split::kValidation)}) {
      const std::size_t dimension = setup.training->dimension();
      const Evaluation result = setup.training->evaluate(tensors.first(dimension), tensors.subspan(dimension), split);
      if (result.samples == 0) continue;
      splits.push_back({.split = name, .evaluation = result});
      if (result.confusion) {
        if (of_several_) class_lines_ += model + ", ";
        class_lines_ += std::string(name) + ": " + classes_text(*result.confusion, classes_) + "\n";
      }
      std::vector<std::string> cells;
      if (of_several_) cells.push_back(model);
      for (const std::string& cell :
           {std::string(name), grouped(result.samples), significant(result.loss, 4), score_text(result)}) {
        cells.push_back(cell);
      }
      if (result.regression) cells.push_back(significant(result.regression->mean_absolute_error, 4));
      table_.add_row(std::move(cells));
    }
    objects_.push_back(evaluation_text(path, job_, splits, classes_));
  }
  std::string text(std::size_t width) const { return table_.text(width) + class_lines_; }
  // An object for a model, an array of them for several.
  std::string json() const {
    if (!of_several_) return objects_.front();
    std::string text;
    for (const std::string& object : objects_) text += (text.empty() ? "[" : ",\n") + object;
    return text + "]\n";
  }

 private:
  std::vector<Table::Column> columns() const {
    std::vector<Table::Column> all;
    if (of_several_) all.push_back({"model", Table::Align::kLeft});
    all.push_back({"split", Table::Align::kLeft});
    for (const std::string& name :
         {std::string("samples"), std::string("loss"), std::string(score_name(of_numbers_))}) {
      all.push_back({name});
    }
    if (of_numbers_) all.push_back({"MAE"});
    return all;
  }

  std::string job_;
  std::vector<std::string> classes_;  // what they are called, or empty
  bool of_numbers_;
  bool of_several_;
  Table table_;
  std::string class_lines_;
  std::vector<std::string> objects_;
};

}  // namespace

ExitCode evaluate_command(Console& console, const EvaluateArguments& arguments) {
  Measured measured = find(arguments);
  if (measured.models.empty()) {
    measured.models = own_models(measured.job_file, load_job(measured.job_file, arguments.overrides));
  }
  WorkDisplay work(console, arguments.json ? "off" : "auto");  // what is printed then is JSON alone
  const Supervision supervision(work);
  std::vector<ModelFile> files;
  for (const std::string& model : measured.models) files.push_back(read_model_file(model));
  const Job job = job_for(measured, arguments, files.front());
  const JobSetup setup = set_up(job, Purpose::kEvaluate);
  Measurements measurements(job, *setup.data, files.size() > 1);
  for (std::size_t i = 0; i < files.size(); ++i) {
    const std::string& path = measured.models[i];
    measurements.add(path, setup, tensors_of(files[i], path, setup));
  }
  work.end();
  console.out << (arguments.json ? measurements.json() : measurements.text(console.width)) << std::flush;
  return ExitCode::kDone;
}

}  // namespace laconic
