// Tensors that stay with each worker, weights to start from, and clipped gradients.
#include "training/worker_vector.h"

#include <algorithm>
#include <cmath>
#include <map>

#include "base/archive.h"
#include "training/formats/safetensors.h"
#include "training/tiny_training_test.h"

namespace laconic {
namespace {

// Member by member: g++ 12 sees uninitialised ones in the temporaries of designated initialisers.
TinyTraining job_of(const std::string& model, const std::string& local = "", const std::string& start = "") {
  TinyTraining job;
  job.model = model;
  job.local = local;
  job.start = start;
  if (model == "resnet8") job.batch = 4;
  return job;
}

Training training_with(const std::string& local) { return make_training(job_of("lenet5", local)); }

std::string refusal_of(const TinyTraining& job) {
  return usage_error([&] { make_training(job); });
}

std::map<std::string, std::vector<float>> tensors_of(const Layout& layout, std::span<const float> values) {
  std::map<std::string, std::vector<float>> tensors;
  for (const TensorLayout& tensor : layout.tensors)
    tensors[tensor.name] = copy(values.subspan(tensor.offset, tensor.size));
  return tensors;
}

std::vector<float> stored(Learner& learner) {
  std::vector<float> all = copy(learner.params());
  all.insert(all.end(), learner.buffers().begin(), learner.buffers().end());
  return all;
}

std::vector<std::string> names_of(const Layout& layout) {
  std::vector<std::string> names;
  for (const TensorLayout& tensor : layout.tensors) names.push_back(tensor.name);
  return names;
}

TEST(WorkerVector, WhatIsLocalIsTrainedAndIsNoPartOfWhatStrategiesSee) {
  for (const std::string optimizer : {"sgd", "adam"}) {
    TinyTraining job;
    job.optimizer = optimizer;
    const Training whole = make_training(job);
    job.local = "conv2.*, fc?.bias";
    const Training parted = make_training(job);
    for (const std::string& name : names_of(parted.layout())) {
      EXPECT_FALSE(name.starts_with("conv2") || (name.starts_with("fc") && name.ends_with("bias"))) << name;
    }
    EXPECT_EQ(parted.dimension() + 16 * 6 * 25 + 16 + 120 + 84 + 4, whole.dimension());
    EXPECT_EQ(parted.stored_layout().size, whole.stored_layout().size);
    const auto a = whole.learner(Rank{1});
    const auto b = parted.learner(Rank{1});
    EXPECT_EQ(b->trained_size(), parted.dimension());
    for (std::uint64_t step = 0; step < 6; ++step) {
      a->local_step(Step{step});
      if (step % 2 == 0) {
        b->local_step(Step{step});
      } else {
        b->compute_gradient(Step{step});
        b->apply_gradient();
      }
    }
    const auto expected = tensors_of(whole.stored_layout(), stored(*a));
    const auto got = tensors_of(parted.stored_layout(), stored(*b));
    ASSERT_EQ(got.size(), expected.size());
    const auto first = tensors_of(whole.layout(), whole.initial_parameters());
    for (const auto& [name, values] : expected) {
      for (std::size_t i = 0; i < values.size(); ++i) ASSERT_NEAR(got.at(name)[i], values[i], 1e-5) << name;
      EXPECT_NE(got.at(name), first.at(name)) << name;
    }
    const Evaluation of_whole = whole.evaluate(a->params(), a->buffers(), Split::kTest);
    const Evaluation of_parted = parted.evaluate(b->params(), b->buffers(), Split::kTest);
    EXPECT_NEAR(of_parted.loss, of_whole.loss, 1e-4);
  }
}

TEST(WorkerVector, AModelIsMeasuredWithTheLocalPartThatItIsGiven) {
  const Training training = training_with("fc3.*");
  const auto learner = training.learner(Rank{0});
  const auto own = learner->evaluate(learner->params(), learner->buffers(), Split::kTest);
  const std::vector<float> none(learner->buffers().size(), 0.0F);
  const auto without = learner->evaluate(learner->params(), none, Split::kTest);
  EXPECT_NEAR(without.loss, std::log(4.0), 1e-6);  // scores that are all 0
  EXPECT_NE(own.loss, without.loss);
}

// FedBN: where statistics travel, those of the norms that stay do not.
TEST(WorkerVector, KeepsTheNormsOfFedBN) {
  TinyTraining job = job_of("resnet8");
  job.model_options = {{"buffers", "average"}};
  const Training travelling = make_training(job);
  job.local = "*.norm.*";
  const Training training = make_training(job);
  for (const std::string& name : names_of(training.layout())) {
    EXPECT_EQ(name.find(".norm."), std::string::npos) << name;
  }
  const auto learner = training.learner(Rank{0});
  EXPECT_EQ(learner->params().size() + learner->buffers().size(), training.stored_layout().size);
  EXPECT_EQ(learner->trained_size(), learner->params().size());
  const auto other = travelling.learner(Rank{0});
  learner->local_step(Step{0});
  other->local_step(Step{0});
  const auto expected = tensors_of(travelling.stored_layout(), stored(*other));
  const auto got = tensors_of(training.stored_layout(), stored(*learner));
  for (const auto& [name, values] : expected) {
    for (std::size_t i = 0; i < values.size(); ++i) ASSERT_NEAR(got.at(name)[i], values[i], 1e-4) << name;
  }
}

TEST(WorkerVector, WhatIsSavedHasTheLocalPartToo) {
  const Training training = training_with("fc*");
  const auto learner = training.learner(Rank{0});
  for (std::uint64_t step = 0; step < 3; ++step) learner->local_step(Step{step});
  Archive saving;
  learner->archive(saving);
  const std::vector<std::byte> bytes = saving.take();
  const auto again = training.learner(Rank{0});
  std::ranges::copy(learner->params(), again->params().begin());
  Archive loading(bytes);
  again->archive(loading);
  learner->local_step(Step{3});
  again->local_step(Step{3});
  EXPECT_TRUE(same_bits(again->params(), learner->params()));
  EXPECT_TRUE(same_bits(again->buffers(), learner->buffers()));
}

TEST(WorkerVector, RefusesPatternsThatFitNothingOrEverything) {
  const auto refusal = [](const std::string& local) {
    TinyTraining job;
    job.local = local;
    return refusal_of(job);
  };
  EXPECT_EQ(refusal("head.*"),
            "model.local: 'head.*' fits no tensor of the model, which has conv1.weight, conv1.bias, conv2.weight, "
            "conv2.bias, fc1.weight, fc1.bias, fc2.weight, fc2.bias, fc3.weight, fc3.bias");
  EXPECT_NE(refusal("fc3.*,FC1.*").find("'FC1.*' fits no tensor"), std::string::npos);
  EXPECT_NE(refusal("*").find("leaves no parameter to share"), std::string::npos);
  EXPECT_NE(refusal("c*,f*").find("leaves no parameter to share"), std::string::npos);
  EXPECT_NE(refusal("fc3.*,,fc2.*").find("an empty pattern"), std::string::npos);
  EXPECT_NE(refusal("fc3").find("fits no tensor"), std::string::npos);
  const Training training = training_with("*f*3*bias*");
  EXPECT_EQ(training.dimension() + 4, make_training(TinyTraining{}).dimension());
}

TEST(ModelStart, EveryWorkerBeginsWithTheTensorsOfTheFile) {
  const TemporaryFolder folder;
  const std::string path = folder.path("w.safetensors");
  const Training former = make_training(job_of("resnet8"));
  const auto trained = former.learner(Rank{0});
  for (std::uint64_t step = 0; step < 2; ++step) trained->local_step(Step{step});
  write_safetensors(path, former.stored_layout(), stored(*trained), {});
  const Training training = make_training(job_of("resnet8", "", path));
  EXPECT_TRUE(same_bits(training.initial_parameters(), trained->params()));
  EXPECT_TRUE(same_bits(training.learner(Rank{2})->params(), trained->params()));
  EXPECT_TRUE(same_bits(training.learner(Rank{2})->buffers(), trained->buffers()));
  EXPECT_NE(training.model_fingerprint(), former.model_fingerprint());
  // The same tensors parted in another way.
  const Training parted = make_training(job_of("resnet8", "fc.*", path));
  EXPECT_EQ(tensors_of(parted.stored_layout(), stored(*parted.learner(Rank{1}))),
            tensors_of(former.stored_layout(), stored(*trained)));
  // Of a file without buffers the parameters.
  write_safetensors(path, former.layout(), trained->params(), {});
  const Training without = make_training(job_of("resnet8", "", path));
  EXPECT_TRUE(same_bits(without.initial_parameters(), trained->params()));
  EXPECT_TRUE(same_bits(without.learner(Rank{0})->buffers(), former.learner(Rank{0})->buffers()));
}

TEST(ModelStart, ListsTheTensorsThatDoNotFit) {
  const TemporaryFolder folder;
  const std::string path = folder.path("w.safetensors");
  Layout layout;
  const auto add = [&](const std::string& name, std::vector<std::int64_t> shape) {
    std::size_t size = 1;
    for (const std::int64_t one : shape) size *= static_cast<std::size_t>(one);
    layout.tensors.push_back({.name = name, .offset = layout.size, .shape = std::move(shape), .size = size});
    layout.size += size;
  };
  add("weight", {4, 143});
  add("head.bias", {4});
  write_safetensors(path, layout, std::vector<float>(layout.size), {});
  const std::string text = refusal_of(job_of("logistic_regression", "", path));
  EXPECT_EQ(text,
            "model.start: " + path +
                ": it has no bias; the model has no head.bias; of another shape are weight (4x143, the model's is "
                "4x144); give a file with this model's tensors under its names, such as model.safetensors of a "
                "run");
  const std::string missing = refusal_of(job_of("logistic_regression", "", folder.path("none")));
  EXPECT_TRUE(missing.starts_with("model.start: " + folder.path("none") + ": cannot be read")) << missing;
}

// As safetensors.torch.save_file writes a state dict with batch norm's counts.
TEST(ModelStart, LeavesOutCountsAndRefusesHalves) {
  const TemporaryFolder folder;
  const auto write = [&](const std::string& header, std::size_t data) {
    std::string text = header;
    while (text.size() % 8 != 0) text += ' ';
    std::string file(8, '\0');
    file[0] = static_cast<char>(text.size() % 256);
    file[1] = static_cast<char>(text.size() / 256);
    return folder.write("w.safetensors", file + text + std::string(data, '\0'));
  };
  const std::string bias = R"("bias":{"dtype":"F32","shape":[4],"data_offsets":[0,16]},)";
  const std::string weight = R"("weight":{"dtype":"F32","shape":[4,144],"data_offsets":[16,2320]})";
  const std::string counted =
      write("{" + bias + weight + R"(,"batches":{"dtype":"I64","shape":[],"data_offsets":[2320,2328]}})", 2328);
  const Training training = make_training(job_of("logistic_regression", "", counted));
  EXPECT_EQ(training.initial_parameters(), std::vector<float>(4 * 144 + 4));
  EXPECT_THROW(read_safetensors(counted), UsageError);
  const std::string half =
      write(R"({"bias":{"dtype":"F32","shape":[4],"data_offsets":[0,16]},"weight":{"dtype":"F16","shape":[4,144],)"
            R"("data_offsets":[16,1168]}})",
            1168);
  EXPECT_NE(refusal_of(job_of("logistic_regression", "", half)).find("not of type F32"), std::string::npos);
  const std::string torn =
      write("{" + bias + weight + R"(,"batches":{"dtype":"I64","shape":[],"data_offsets":[2320,2324]}})", 2324);
  EXPECT_NE(refusal_of(job_of("logistic_regression", "", torn)).find("do not fit"), std::string::npos);
}

TEST(Clipping, ShortensTheGradientOfEveryStepWhoeverAsksForIt) {
  for (const std::string optimizer : {"sgd", "adam", "adamw"}) {
    TinyTraining job;
    job.optimizer = optimizer;
    const Training free = make_training(job);
    const auto unclipped = free.learner(Rank{0});
    unclipped->compute_gradient(Step{0});
    double squares = 0.0;
    for (const float value : unclipped->gradient()) squares += static_cast<double>(value) * value;
    const double norm = std::sqrt(squares);
    for (const double share : {0.25, 2.0}) {
      job.optimizer_options = {{"clip", std::to_string(norm * share)}};
      const Training training = make_training(job);
      const auto learner = training.learner(Rank{0});
      learner->compute_gradient(Step{0});
      for (std::size_t i = 0; i < learner->gradient().size(); ++i) {
        ASSERT_NEAR(learner->gradient()[i], unclipped->gradient()[i] * std::min(1.0, share), 1e-6);
      }
      learner->apply_gradient();
      const auto whole = training.learner(Rank{0});
      whole->local_step(Step{0});
      EXPECT_TRUE(same_bits(whole->params(), learner->params()));
    }
  }
}

}  // namespace
}  // namespace laconic
