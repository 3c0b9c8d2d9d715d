import AsyncHTTPClient
public import Builder
import NIOCore
import NIOHTTP1
public import Trust
import Wire

extension GatewayClient: LeaseClient {
  /// A job that fits the offer; nil if none came up in time.
  public func lease(_ offer: WorkerOffer, waiting: Duration) async throws -> LeasedJob? {
    let body = Messages.AskForWork(offer: offer, seconds: Int(waiting.components.seconds))
    let answer = try await call(.POST, "/v1/leases", body: try encode(body), waiting: waiting)
    return answer.status == 204 ? nil : try decode(LeasedJob.self, answer.bytes)
  }

  /// Extends the lease and hands lines over.
  public func heartbeat(_ lease: Lease, lines: [String]) async throws -> WorkerOrder {
    let body = try encode(Messages.Heartbeat(lines: lines))
    let answer = try await call(.POST, path(lease, "heartbeat"), body: body)
    return try decode(Messages.Order.self, answer.bytes).order
  }

  /// Streams the file at `path` to staging.
  public func upload(_ lease: Lease, path: String) async throws {
    _ = try await retrying {
      let file = try FileChunks(path: path)
      var request = request(.PUT, self.path(lease, "upload"))
      request.headers.add(name: "Content-Type", value: "application/octet-stream")
      request.body = .stream(file, length: .known(Int64(file.size)))
      return try await send(request, within: settings.uploadTimeout)
    }
  }

  /// Makes the upload the job's result, with the facts of its build.
  public func complete(_ lease: Lease, built: PackageFacts) async throws {
    let body = try encode(Messages.Complete(built: built))
    _ = try await call(.POST, path(lease, "complete"), body: body, waiting: .seconds(600))
  }

  /// Gives the job back as failed.
  public func fail(_ lease: Lease, message: String, lines: [String]) async throws {
    let body = try encode(Messages.Fail(message: message, lines: lines))
    _ = try await call(.POST, path(lease, "fail"), body: body)
  }

  /// Gives the job back unbuilt.
  public func release(_ lease: Lease) async throws {
    _ = try await call(.POST, path(lease, "release"))
  }

  private func path(_ lease: Lease, _ verb: String) -> String {
    "/v1/leases/\(lease.fingerprint.bytes.hex)/\(lease.fence)/\(verb)"
  }
}
