// What a gRPC server costs that decides nothing: the asynchronous C++ server with one thread and one completion queue, which decodes the whole
// request and encodes an answer of 75 bytes. Prints its port.
#include <grpcpp/generic/async_generic_service.h>
#include <grpcpp/grpcpp.h>
#include <grpcpp/impl/codegen/proto_utils.h>

#include <cstdio>
#include <memory>

#include "echo.pb.h"

namespace {

using weir::bench::CheckRequest;
using weir::bench::CheckResponse;

constexpr int kWaitingCalls = 256;

// One call, from waiting for it to its end; then it waits for the next one.
class EchoCall {
 public:
  EchoCall(grpc::AsyncGenericService* service, grpc::ServerCompletionQueue* queue) : service_(service), queue_(queue) {
    Wait();
  }

  void Proceed(bool ok) {
    switch (state_) {
      case State::kWaiting:
        if (!ok) return;
        state_ = State::kReading;
        stream_->Read(&request_, this);
        return;
      case State::kReading:
        state_ = State::kFinishing;
        if (ok && Decoded()) {
          Encode();
          stream_->WriteAndFinish(answer_, grpc::WriteOptions(), grpc::Status::OK, this);
        } else {
          stream_->Finish(grpc::Status(grpc::StatusCode::INVALID_ARGUMENT, "no CheckRequest"), this);
        }
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

  bool Decoded() {
    CheckRequest request;
    return grpc::SerializationTraits<CheckRequest>::Deserialize(&request_, &request).ok();
  }

  // The same answer as the Node echo's.
  void Encode() {
    CheckResponse response;
    response.mutable_status();
    auto* header = response.mutable_ok_response()->add_headers()->mutable_header();
    header->set_key("x-decision");
    header->set_value("0123456789-abcdefghijklmnopqrstuvwxyz-0123456789");
    bool own = false;
    answer_.Clear();
    grpc::SerializationTraits<CheckResponse>::Serialize(response, &answer_, &own);
  }

  grpc::AsyncGenericService* service_;
  grpc::ServerCompletionQueue* queue_;
  State state_ = State::kWaiting;
  std::unique_ptr<grpc::GenericServerContext> context_;
  std::unique_ptr<grpc::GenericServerAsyncReaderWriter> stream_;
  grpc::ByteBuffer request_;
  grpc::ByteBuffer answer_;
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
  for (int index = 0; index < kWaitingCalls; ++index) new EchoCall(&service, queue.get());
  std::printf("{\"port\":%d}\n", port);
  std::fflush(stdout);
  void* call = nullptr;
  bool ok = false;
  while (queue->Next(&call, &ok)) static_cast<EchoCall*>(call)->Proceed(ok);
}
