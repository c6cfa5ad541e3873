// Exhaustive search, breadth first: every state that some order of moves can reach is seen once, and the first state
// that breaks a property is told with a shortest path to it. A world is any copyable type with the free functions that
// `searchable` names.
#pragma once

#include <chrono>
#include <concepts>
#include <deque>
#include <optional>
#include <string>
#include <unordered_map>
#include <vector>

#include "tests/search/digest.hpp"

namespace troupe::search {

/// One thing that can happen next. `must`: it happens sooner or later, whatever else does (a message arrives, a due
/// timer fires); the rest are faults, and what people and agents may do.
struct move {
  std::uint8_t what = 0, who = 0, how = 0;
  bool must = false;
};

template <class World>
concept searchable = requires(const World& w, const move& m, writer& out) {
  { moves_of(w) } -> std::same_as<std::vector<move>>;
  { after(w, m) } -> std::same_as<std::optional<World>>; ///< none: it cannot happen here after all
  encode(w, out);                                        ///< equal bytes: equal futures
  { broken(w) } -> std::same_as<std::string>;            ///< the property that does not hold here; empty: all do
  { unsettled(w) } -> std::same_as<std::string>;         ///< the same where nothing must happen any more
};

struct outcome {
  std::size_t states = 0, transitions = 0, quiet = 0, depth = 0;
  double seconds = 0;
  std::string violation; ///< empty: every property holds in every state
  std::vector<move> path;
};

template <searchable World>
class explorer {
public:
  outcome run(const World& first) {
    auto began = std::chrono::steady_clock::now();
    add(first, 0, {}, 0);
    while (!frontier_.empty() && out_.violation.empty()) {
      auto [index, depth, world] = std::move(frontier_.front());
      frontier_.pop_front();
      expand(index, depth, world);
    }
    if (out_.violation.empty())
      find_lost();
    out_.states = came_from_.size();
    out_.seconds = std::chrono::duration<double>(std::chrono::steady_clock::now() - began).count();
    return out_;
  }

private:
  struct origin {
    std::uint32_t parent;
    move by;
  };
  struct waiting {
    std::uint32_t index;
    std::size_t depth;
    World world;
  };

  std::uint32_t add(const World& w, std::uint32_t parent, move by, std::size_t depth) {
    writer bytes;
    encode(w, bytes);
    auto [at, fresh] = seen_.try_emplace(digest_of(bytes.bytes()), static_cast<std::uint32_t>(came_from_.size()));
    if (!fresh)
      return at->second;
    came_from_.push_back({parent, by});
    out_.depth = std::max(out_.depth, depth);
    if (auto fault = broken(w); !fault.empty())
      violated(at->second, fault);
    frontier_.push_back({at->second, depth, w});
    return at->second;
  }

  void expand(std::uint32_t index, std::size_t depth, const World& world) {
    bool quiet = true;
    for (const auto& m : moves_of(world)) {
      auto next = after(world, m);
      if (!next)
        continue;
      ++out_.transitions;
      auto to = add(*next, index, m, depth + 1);
      if (!out_.violation.empty())
        return;
      if (m.must) {
        quiet = false;
        must_.push_back({index, to});
      }
    }
    if (!quiet)
      return;
    quiet_.push_back(index);
    if (auto fault = unsettled(world); !fault.empty())
      violated(index, fault);
  }

  /// Every wait ends: from each state one is reached in which nothing must happen any more.
  void find_lost() {
    out_.quiet = quiet_.size();
    std::vector<std::uint32_t> begin(came_from_.size() + 2), from(must_.size());
    for (const auto& [a, b] : must_)
      ++begin[b + 2];
    for (std::size_t i = 2; i < begin.size(); ++i)
      begin[i] += begin[i - 1];
    for (const auto& [a, b] : must_)
      from[begin[b + 1]++] = a;
    std::vector<bool> ends(came_from_.size());
    auto todo = quiet_;
    for (auto s : todo)
      ends[s] = true;
    while (!todo.empty()) {
      auto s = todo.back();
      todo.pop_back();
      for (auto i = begin[s]; i < begin[s + 1]; ++i)
        if (!ends[from[i]]) {
          ends[from[i]] = true;
          todo.push_back(from[i]);
        }
    }
    for (std::uint32_t s = 0; s < ends.size(); ++s)
      if (!ends[s])
        return violated(s, "from here on there is always something that must happen: some wait never ends");
  }

  void violated(std::uint32_t index, const std::string& what) {
    out_.violation = what;
    for (; index != 0; index = came_from_[index].parent)
      out_.path.insert(out_.path.begin(), came_from_[index].by);
  }

  std::unordered_map<digest, std::uint32_t> seen_;
  std::vector<origin> came_from_;
  std::deque<waiting> frontier_;
  std::vector<std::pair<std::uint32_t, std::uint32_t>> must_;
  std::vector<std::uint32_t> quiet_;
  outcome out_;
};

} // namespace troupe::search
