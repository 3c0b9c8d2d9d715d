import Builder
import Trust

/// A worker in the gateway's own process.
struct LocalLeaseClient: LeaseClient {
  let desk: GatewayDesk

  func lease(_ offer: WorkerOffer, waiting: Duration) async throws -> LeasedJob? {
    try await desk.lease(offer, waiting: waiting)
  }

  func heartbeat(_ lease: Lease, lines: [String]) async throws -> WorkerOrder {
    try await desk.heartbeat(lease.fingerprint, fence: lease.fence, lines: lines).order
  }

  func upload(_ lease: Lease, path: String) async throws {
    let target = try await desk.uploadPath(lease.fingerprint, fence: lease.fence)
    let file = try FileChunks(path: path)
    try await desk.staging.receive(file, announced: file.size, to: target)
  }

  func complete(_ lease: Lease, built: PackageFacts) async throws {
    _ = try await desk.complete(lease.fingerprint, fence: lease.fence, built: built)
  }

  func fail(_ lease: Lease, message: String, lines: [String]) async throws {
    try await desk.fail(lease.fingerprint, fence: lease.fence, message: message, lines: lines)
  }

  func release(_ lease: Lease) async throws {
    try await desk.release(lease.fingerprint, fence: lease.fence)
  }
}
