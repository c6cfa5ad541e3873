// gemini-cli, opencode and codex through the programs as a user meets them.
#define CAF_SUITE agents_gemini
#include "caf/test/unit_test.hpp"
#include "tests/agents/foreign.hpp"

using namespace troupe;
using namespace troupe::test;

namespace {

foreign_agent opencode() {
  json config{
      {"model", "stub/m"},
      {"small_model", "stub/m"},
      {"agent", {{"title", {{"disable", true}}}}},
      {"provider",
       {{"stub",
         {{"npm", "@ai-sdk/openai-compatible"},
          {"options", {{"baseURL", "STUB_URL/v1"}, {"apiKey", "sk-stub"}}},
          {"models",
           {{"m", {{"name", "M"}, {"tool_call", true}, {"limit", {{"context", 100000}, {"output", 8000}}}}}}}}}}}};
  return {"opencode",
          {{"command", {agent_file("node_modules/opencode-linux-x64/bin/opencode"), "acp"}}},
          {{".config/opencode/opencode.json", config.dump()}},
          {{"OPENCODE_DISABLE_AUTOUPDATE", "1"}, {"OPENCODE_DISABLE_MODELS_FETCH", "1"}},
          {{"name", "bash"}, {"input", {{"command", "echo made > made.txt"}, {"description", "makes it"}}}},
          {{"name", "write"}, {"input", {{"filePath", "wrote.txt"}, {"content", "written"}}}}};
}

foreign_agent codex() {
  return {"codex",
          {{"command", {agent_file("node_modules/@zed-industries/codex-acp-linux-x64/bin/codex-acp")}}},
          {{".codex/config.toml",
            "model = \"gpt-5.5\"\nmodel_provider = \"stub\"\n[model_providers.stub]\nname = \"stub\"\n"
            "base_url = \"STUB_URL/v1\"\nenv_key = \"STUB_TOKEN\"\nwire_api = \"responses\"\n"}},
          {{"STUB_TOKEN", "t-stub"}},
          {{"name", "exec_command"},
           {"input",
            {{"cmd", "echo made > made.txt"}, {"sandbox_permissions", "require_escalated"}, {"justification", "it"}}}},
          {{"name", "exec_command"},
           {"input",
            {{"cmd", "apply_patch <<EOF\n*** Begin Patch\n*** Add File: wrote.txt\n+written\n*** End Patch\nEOF"}}}}};
}

} // namespace

// ENV-9, CRED-7, BEYOND-7: its own mode ids, its credential late, its permissions by kind
CAF_TEST(gemini goes through a day) {
  if (agents_missing().empty())
    go_through_a_day(gemini());
}

// POOL-8, POOL-9
CAF_TEST(gemini warmed up tells the same story as gemini started cold) {
  if (agents_missing().empty())
    compare_warm_and_cold(gemini());
}

#undef CAF_SUITE
#define CAF_SUITE agents_opencode
CAF_TEST(opencode goes through a day) {
  if (agents_missing().empty())
    go_through_a_day(opencode());
}

// POOL-8, POOL-9
CAF_TEST(opencode warmed up tells the same story as opencode started cold) {
  if (agents_missing().empty())
    compare_warm_and_cold(opencode());
}

#undef CAF_SUITE
#define CAF_SUITE agents_codex
CAF_TEST(codex goes through a day) {
  if (agents_missing().empty())
    go_through_a_day(codex());
}
