// What a gRPC server costs that neither decodes nor decides: the asynchronous C++ server with one thread and one completion queue, which
// answers every call with the same 75 bytes. Prints its port.
#include <grpcpp/generic/async_generic_service.h>
#include <grpcpp/grpcpp.h>

#include <cstdio>
#include <memory>
#include <string>

namespace {

constexpr int kWaitingCalls = 256;

// The same answer as the Node echo's: status 0, and one header to add.
std::string Answer() {
  const std::string value = "0123456789-abcdefghijklmnopqrstuvwxyz-0123456789";
  const std::string header = "\x0a\x0ax-decision\x12" + std::string(1, static_cast<char>(value.size())) + value;
  const std::string option = "\x0a" + std::string(1, static_cast<char>(header.size())) + header;
  const std::string headers = "\x12" + std::string(1, static_cast<char>(option.size())) + option;
  return std::string("\x0a\x00", 2) + "\x1a" + std::string(1, static_cast<char>(headers.size())) + headers;
}

// One call, from waiting for it to its end; then it waits for the next one.
class EchoCall {
 public:
  EchoCall(grpc::AsyncGenericService* service, grpc::ServerCompletionQueue* queue, const grpc::ByteBuffer* answer)
      : service_(service), queue_(queue), answer_(answer) {
    Wait();
  }

  void Proceed(bool ok) {
    if (!ok) {
      Wait();
      return;
    }
    switch (state_) {
      case State::kWaiting:
        state_ = State::kReading;
        stream_->Read(&request_, this);
        return;
      case State::kReading:
        state_ = State::kFinishing;
        stream_->WriteAndFinish(*answer_, grpc::WriteOptions(), grpc::Status::OK, this);
        return;
      case State::kFinishing:
        Wait();
        return;
    }
  }

 private:
  enum class State { kWaiting, kReading, kFinishing };

  void Wait() {
    state_ = State::kWaiting;
    stream_.reset();
    context_ = std::make_unique<grpc::GenericServerContext>();
    stream_ = std::make_unique<grpc::GenericServerAsyncReaderWriter>(context_.get());
    request_.Clear();
    service_->RequestCall(context_.get(), stream_.get(), queue_, queue_, this);
  }

  grpc::AsyncGenericService* service_;
  grpc::ServerCompletionQueue* queue_;
  const grpc::ByteBuffer* answer_;
  State state_ = State::kWaiting;
  std::unique_ptr<grpc::GenericServerContext> context_;
  std::unique_ptr<grpc::GenericServerAsyncReaderWriter> stream_;
  grpc::ByteBuffer request_;
};

}  // namespace

int main() {
  grpc::AsyncGenericService service;
  grpc::ServerBuilder builder;
  int port = 0;
  builder.AddListeningPort("127.0.0.1:0", grpc::InsecureServerCredentials(), &port);
  builder.RegisterAsyncGenericService(&service);
  const std::unique_ptr<grpc::ServerCompletionQueue> queue = builder.AddCompletionQueue();
  const std::unique_ptr<grpc::Server> server = builder.BuildAndStart();
  if (!server) return 1;
  const grpc::Slice slice(Answer());
  const grpc::ByteBuffer answer(&slice, 1);
  for (int index = 0; index < kWaitingCalls; ++index) new EchoCall(&service, queue.get(), &answer);
  std::printf("{\"port\":%d}\n", port);
  std::fflush(stdout);
  void* call = nullptr;
  bool ok = false;
  while (queue->Next(&call, &ok)) static_cast<EchoCall*>(call)->Proceed(ok);
}
