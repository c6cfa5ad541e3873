// The sessions of the view in their groups, as an index: a change or a step costs the logarithm of their number, never
// a sort of all (VIEW-1, VIEW-9). Pure.
#pragma once

#include <cstdint>
#include <functional>
#include <map>
#include <set>
#include <string>
#include <vector>

#include "messages/session.hpp"

namespace troupe::view {

struct pull_request {
  std::int64_t number = 0;
  std::string url;   ///< http(s)
  std::string state; ///< pending, failed, ready, merged, draft, closed (PR-1)
  bool operator==(const pull_request&) const = default;
};

/// A session as the view knows it.
struct session {
  row now;
  std::vector<pull_request> pulls{};
  bool operator==(const session&) const = default;
};

/// Why the view would not hide it behind `… N more` (VIEW-1).
bool always_shown(const session& s);
/// Whether one of its pull requests is open.
bool under_review(const session& s);

/// The place of a row within its group; two of them exchanged exchange the rows (VIEW-3). Unique: `tie` is the id of
/// the session that it was made for.
struct place_key {
  std::int64_t order = 0;
  std::string tie;
  auto operator<=>(const place_key&) const = default;
};

enum class grouping { by_state, by_directory };

/// A group's place and name: "pinned", "review", "blocked", "working", "completed"; or a directory.
struct group_key {
  int rank = 0;
  std::string name;
  auto operator<=>(const group_key&) const = default;
};

/// How a group is shown.
enum class fold { natural, closed, open }; ///< natural: open, but the completed ones only as far as they fit

/// One line of the list: a group's heading, a session, or what is folded away.
struct item {
  enum kind_ { none, heading, row, more } kind = none;
  group_key group;
  std::string id; ///< of a row
  bool operator==(const item&) const = default;
};

class roster {
public:
  roster() = default;
  roster(roster&&) = default; ///< the index points into the nodes: no copies
  roster& operator=(roster&&) = default;
  /// Takes a session in, new or changed. True when anything a view shows of it has changed.
  bool put(session s);
  bool erase(const std::string& id);
  void replace(std::vector<session> all);
  void set_grouping(grouping by);
  [[nodiscard]] grouping by() const { return by_; }
  /// Shows only those that fit; an empty function shows all.
  void set_filter(std::function<bool(const session&)> fits);
  void set_fold(const group_key& g, fold f);
  [[nodiscard]] fold fold_of(const group_key& g) const;
  [[nodiscard]] const std::map<group_key, fold>& folds() const { return folds_; }
  /// How many of the completed ones that may be folded away are shown.
  void set_room(std::size_t places);

  [[nodiscard]] const session* find(const std::string& id) const;
  [[nodiscard]] std::size_t size() const { return nodes_.size(); }
  [[nodiscard]] std::size_t shown() const { return shown_; } ///< that fit the filter
  [[nodiscard]] std::size_t count(const std::string& state) const;
  [[nodiscard]] std::size_t members(const group_key& g) const;
  [[nodiscard]] std::size_t hidden(const group_key& g) const;                   ///< behind `… N more`
  [[nodiscard]] std::size_t always(const group_key& g) const;                   ///< members that are never folded away
  [[nodiscard]] bool in_group(const std::string& id, const group_key& g) const; ///< and fits the filter
  [[nodiscard]] item item_of(const std::string& id) const;                      ///< none: not shown, or folded away
  [[nodiscard]] bool is_shown(const item& x) const;
  [[nodiscard]] item begin() const;
  [[nodiscard]] item end() const; ///< the last one
  [[nodiscard]] item next(const item& x) const;
  [[nodiscard]] item previous(const item& x) const;
  [[nodiscard]] std::vector<group_key> groups() const;
  void each(const std::function<void(const session&)>& visit) const;

  /// Exchanges it with its neighbour in the group; false at the group's edge.
  bool move(const std::string& id, bool up);
  /// The places that people have given rows, to be kept; and back.
  [[nodiscard]] const std::map<std::string, place_key>& places() const { return places_; }
  void set_places(std::map<std::string, place_key> places);

private:
  struct node {
    session now;
    group_key group;
    place_key key;
    bool shown = false; ///< fits the filter
    bool kept = false;  ///< always_shown
  };
  struct by_key { ///< a kept place may be that of a session which came back: the id decides between them
    bool operator()(const node* a, const node* b) const {
      return a->key != b->key ? a->key < b->key : a->now.now.id < b->now.now.id;
    }
  };
  using ordered = std::set<const node*, by_key>;
  struct members_ {
    ordered kept, plain;        ///< always shown, and those that may be folded away
    const node* edge = nullptr; ///< the last plain one that is shown, where not all are
    bool folds = false;
  };
  void place(node& n);
  void unlink(node& n);
  void link(node& n);
  void rebuild();
  void set_edge(const group_key& key, members_& m);
  [[nodiscard]] bool visible_in(const members_& m, const node* n) const;
  [[nodiscard]] const node* first_of(const members_& m) const;
  [[nodiscard]] const node* last_of(const members_& m) const;
  [[nodiscard]] const node* after(const members_& m, const node* n) const;
  [[nodiscard]] const node* before(const members_& m, const node* n) const;
  [[nodiscard]] item row_item(const node* n) const;
  [[nodiscard]] item last_in(std::map<group_key, members_>::const_iterator g) const;
  std::map<std::string, node> nodes_;
  std::map<group_key, members_> groups_;
  std::map<std::string, std::size_t> counts_;
  std::map<group_key, fold> folds_;
  std::map<std::string, place_key> places_;
  std::function<bool(const session&)> fits_;
  grouping by_ = grouping::by_state;
  std::size_t room_ = 0, shown_ = 0;
};

} // namespace troupe::view
