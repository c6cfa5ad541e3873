// What an agent asks for beyond a permission (`elicitation/create`): a form to fill in, or a link to open. Pure.
#pragma once

#include <string>
#include <vector>

#include "messages/errors.hpp"
#include "messages/json.hpp"

namespace troupe {

/// A form or a link, as it is asked. What an agent sends is never trusted to have the right shape.
struct acp_form {
  std::string kind; ///< "form" or "url"; empty: neither, `wrong` says why
  std::string wrong;
  std::string text;            ///< the question
  std::vector<option> options; ///< choose (a form with one field that has choices), accept, decline, cancel
  json data;                   ///< `{"schema": ...}` or `{"url": ...}`, for front ends
};
acp_form read_form(const json& params);

/// What an answer means.
struct acp_form_reply {
  failure error;      ///< errc::ok, or what is wrong with the answer, and what there is
  std::string action; ///< accept, decline, cancel
  json content;       ///< of an accepted form: its values, each of the type that its field has
  std::string words;  ///< for people
};
/// `choice`: a number, `accept`, `decline`, `cancel`, the values as a JSON object, or the one field's value. Values may
/// be words: "3" serves as a number, "yes" as true, "a,b" as a list.
acp_form_reply read_form_answer(const question& asked, const std::string& choice);

} // namespace troupe
