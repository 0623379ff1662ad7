#include "links/connection.h"
#include "links/mpi/environment.h"
#include "links/mpi/link.h"

namespace laconic::links {
namespace {

class MpiConnection final : public Connection {
 public:
  MpiConnection(const std::optional<Launch>& launch, Clock& clock, std::uint64_t max_payload)
      : environment_(launch), link_(environment_, clock, max_payload) {}

  node::Link& link() override { return link_; }
  const std::string& library() const override { return environment_.library(); }
  void part(Seconds limit, const std::function<void()>& late) override { environment_.finalize(limit, late); }

 private:
  mpi::Environment environment_;
  mpi::MpiLink link_;
};

}  // namespace

std::unique_ptr<Connection> connect(const std::optional<Launch>& launch, Clock& clock, std::uint64_t max_payload) {
  return std::make_unique<MpiConnection>(launch, clock, max_payload);
}

}  // namespace laconic::links
