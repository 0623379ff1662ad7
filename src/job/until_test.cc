#include "job/until.h"

#include <gtest/gtest.h>

#include <limits>

#include "base/error.h"

namespace laconic {
namespace {

Measurement measured() {
  Measurement measurement;
  measurement.step = {100};
  measurement.time = {30.0};
  measurement.test = {.loss = 0.5, .accuracy = 0.9, .samples = 10};
  measurement.validation = {.loss = 0.25, .accuracy = 0.75, .samples = 10};
  measurement.traffic[0] = {.frames = 1, .payload = {900}, .framed = {1000}};
  return measurement;
}

bool met(std::string_view text) { return parse_until(text).met(measured()); }

TEST(Until, ComparesEachQuantity) {
  EXPECT_TRUE(met("accuracy >= 0.9"));
  EXPECT_FALSE(met("accuracy > 0.9"));
  EXPECT_TRUE(met("loss <= 0.5"));
  EXPECT_FALSE(met("loss < 0.5"));
  EXPECT_TRUE(met("validation_accuracy < 0.8"));
  EXPECT_TRUE(met("validation_loss > 0.2"));
  EXPECT_TRUE(met("bytes >= 1 kB")) << "bytes on the wire, with headers";
  EXPECT_FALSE(met("bytes > 1000 B"));
  EXPECT_TRUE(met("time >= 0.5 min"));
  EXPECT_FALSE(met("time > 31 s"));
  EXPECT_TRUE(met("step>=100"));
  EXPECT_FALSE(met("step < 100"));
}

TEST(Until, TakesAPercentageOfAnAccuracy) {
  EXPECT_TRUE(met("accuracy >= 90%"));
  EXPECT_FALSE(met("accuracy > 90 %"));
  EXPECT_EQ(parse_until("accuracy >= 88%").value, 0.88);
  EXPECT_EQ(parse_until("r2 >= 50%").value, 0.5);
  EXPECT_EQ(parse_until("Accuracy \u2265 88%").value, 0.88);
}

TEST(Until, OfNumbersComparesR2AndMeanAbsoluteError) {
  Measurement measurement = measured();
  measurement.test.regression = {.r2 = -0.5, .mean_absolute_error = 12.0};
  measurement.validation.regression = {.r2 = 0.75, .mean_absolute_error = 3.0};
  for (const char* text : {"r2 < 0.9", "mae > 10", "validation_r2 >= 0.75", "validation_mae <= 3"}) {
    EXPECT_TRUE(parse_until(text).met(measurement)) << text;
    EXPECT_TRUE(parse_until(text).needs_numbers());
  }
  EXPECT_FALSE(parse_until("mae > 10").met(measured())) << "classes have none";
  EXPECT_FALSE(parse_until("r2 > 0.5").needs_validation());
  EXPECT_TRUE(parse_until("validation_mae > 0.5").needs_validation());
}

TEST(Until, IsNotMetByWhatIsNotANumber) {
  Measurement measurement = measured();
  measurement.test.loss = std::numeric_limits<double>::quiet_NaN();
  EXPECT_FALSE(parse_until("loss < 1").met(measurement));
  EXPECT_FALSE(parse_until("loss >= 0").met(measurement));
}

std::string refusal(std::string_view text) {
  try {
    parse_until(text);
  } catch (const UsageError& error) {
    return error.what();
  }
  return "accepted";
}

TEST(Until, SaysWhatItDoesNotUnderstand) {
  EXPECT_EQ(refusal("accuracy 0.9"),
            "'accuracy 0.9': no comparison (>=, >, <=, <); write it as in \"accuracy >= 0.98\"");
  EXPECT_EQ(refusal("acuracy >= 0.9"),
            "'acuracy >= 0.9': 'acuracy' is not one of accuracy, r2, mae, loss, validation_accuracy, "
            "validation_r2, validation_mae, validation_loss, bytes, time, step; did you mean 'accuracy'?");
  EXPECT_EQ(refusal("accuracy >= 98"),
            "'accuracy >= 98': an accuracy is a fraction from 0 to 1, such as 0.98, or a percentage: 98%");
  EXPECT_EQ(refusal("accuracy >= 101"), "'accuracy >= 101': an accuracy is a fraction from 0 to 1, such as 0.98");
  EXPECT_EQ(refusal("r2 >= 98"), "'r2 >= 98': an R2 is at most 1, such as 0.9");
  EXPECT_EQ(refusal("acc >= 0.9"), "'acc >= 0.9': 'acc' is accuracy here; write \"accuracy >= 0.9\"");
  EXPECT_EQ(refusal("val_loss < 1"),
            "'val_loss < 1': 'val_loss' is validation_loss here; write \"validation_loss < 1\"");
  EXPECT_EQ(refusal("accuracy = 0.9"),
            "'accuracy = 0.9': an equals sign is no comparison; write \"accuracy >= 0.9\", or <= in the place of >=");
  EXPECT_EQ(refusal("accuracy == 0.9"),
            "'accuracy == 0.9': an equals sign is no comparison; write \"accuracy >= 0.9\", or <= in the place of >=");
  EXPECT_EQ(refusal("accuracy => 0.9"), "'accuracy => 0.9': write \"accuracy >= 0.9\"");
  EXPECT_EQ(
      refusal("accuracy > 0.9 and loss < 1"),
      "'accuracy > 0.9 and loss < 1': one comparison ends a run, not several; keep one of them, such as \"accuracy "
      ">= 0.9\"");
  EXPECT_EQ(refusal("loss < 10%"), "'loss < 10%': '10%' is not a number, such as 0.9");
  EXPECT_EQ(refusal("loss < nan"), "'loss < nan': 'nan' is not a number, such as 0.9");
  EXPECT_EQ(refusal("loss < "), "'loss < ': '' is not a number, such as 0.9");
  EXPECT_NE(refusal("bytes > 10").find("'10' has no unit; write one of B, kB"), std::string::npos);
  EXPECT_NE(refusal("time > 10 weeks").find("is not a number with one of the units us, ms"), std::string::npos);
  EXPECT_NE(refusal("").find("no comparison"), std::string::npos);
}

}  // namespace
}  // namespace laconic
