// show_samples DATASET FOLDER [KEY=VALUE...]: what a job with these keys of [data] trains on, for another program to compare.
//
// A line "COUNT CHANNELS HEIGHT WIDTH bytes|numbers", then the training samples: bytes, or floats of 32 bits in the
// machine's order. Exit code 2 with the error on stderr for what a job would be refused for.
#include <cstdio>
#include <exception>
#include <iostream>
#include <map>
#include <string>

#include "training/data/dataset.h"

int main(int count, char** words) {
  using namespace laconic;
  if (count < 3) {
    std::cerr << "usage: show_samples DATASET FOLDER [KEY=VALUE...]\n";
    return 2;
  }
  try {
    const DatasetRow& row = find_dataset(words[1]);
    std::map<std::string, GivenOption> given;
    for (int i = 3; i < count; ++i) {
      const std::string word = words[i];
      const std::size_t end = word.find('=');
      given[word.substr(0, end)] = {.text = word.substr(end + 1), .where = "command line"};
    }
    const Dataset data = load_dataset(row, words[2], Options("data", row.options, given));
    const bool bytes = data.train.values.empty();
    std::cout << data.train.count() << ' ' << data.shape.channels << ' ' << data.shape.height << ' ' << data.shape.width
              << (bytes ? " bytes\n" : " numbers\n");
    std::cout.write(
        bytes ? reinterpret_cast<const char*>(data.train.pixels.data())
              : reinterpret_cast<const char*>(data.train.values.data()),
        static_cast<std::streamsize>(bytes ? data.train.pixels.size() : data.train.values.size() * sizeof(float)));
  } catch (const std::exception& error) {
    std::cerr << error.what() << '\n';
    return 2;
  }
  return std::cout.flush() ? 0 : 1;
}
