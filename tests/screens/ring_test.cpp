// The ring of a PTY's output in its file.
#define CAF_SUITE ring
#include <filesystem>
#include <fstream>

#include <unistd.h>

#include "caf/test/unit_test.hpp"
#include "runtime/worker/terminal/output_ring.hpp"

using namespace troupe;

namespace {

struct file {
  std::string path = "/tmp/troupe-ringfile-" + std::to_string(::getpid());
  file() { std::filesystem::remove(path); }
  ~file() {
    std::filesystem::remove(path);
    std::filesystem::remove(path + ".bad");
  }
  void write(const std::string& text) const { std::ofstream(path, std::ios::binary) << text; }
};

void put(output_ring& ring, std::string_view text) {
  while (!text.empty()) {
    auto room = ring.writable();
    auto n = std::min(room.size(), text.size());
    std::copy_n(text.data(), n, room.data());
    ring.commit(n);
    text.remove_prefix(n);
  }
}

std::string all(const output_ring& ring) {
  std::string out;
  for (auto at = ring.begin(); at < ring.end();) {
    auto piece = ring.read(at);
    out.append(piece.data(), piece.size());
    at += piece.size();
  }
  return out;
}

} // namespace

// KEEP-7
CAF_TEST(the last bytes are kept and outlive their writer) {
  file f;
  failure error;
  std::string text;
  for (int i = 0; i < 5000; ++i)
    text += "line " + std::to_string(i) + "\n";
  {
    auto ring = output_ring::create(f.path, error, 8192);
    CAF_REQUIRE(ring.valid());
    put(ring, text);
  }
  auto again = output_ring::open(f.path, error);
  CAF_REQUIRE(again.valid());
  CAF_CHECK_EQUAL(again.end(), text.size());
  CAF_CHECK_EQUAL(again.begin(), text.size() - 8192);
  CAF_CHECK_EQUAL(all(again), text.substr(text.size() - 8192));
  auto more = output_ring::create(f.path, error);
  put(more, "the next run");
  CAF_CHECK(all(more).ends_with("4999\nthe next run"));
}

// F-06
CAF_TEST(files that are no ring are refused by readers and set aside by the writer) {
  for (const std::string& text : {std::string(), std::string("troupe"),
                                  std::string("trouper1") + std::string(4000, '\xff'), std::string(100'000, 'q')}) {
    file f;
    f.write(text);
    failure error;
    CAF_CHECK(!output_ring::open(f.path, error).valid());
    CAF_CHECK(error.code != errc::ok);
    error = {};
    auto ring = output_ring::create(f.path, error, 4096);
    CAF_CHECK(ring.valid());
    CAF_CHECK_EQUAL(std::filesystem::exists(f.path + ".bad"), !text.empty());
  }
}
