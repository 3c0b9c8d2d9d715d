public import Trust

/// How a worker talks to a gateway: in process, over HTTP, or scripted in tests.
///
/// Cancelling any call leaves the lease as it is; it ends by itself if no heartbeat follows.
public protocol LeaseClient: Sendable {
  /// A job that this worker can build, or nil when none came up within `waiting`.
  func lease(_ offer: WorkerOffer, waiting: Duration) async throws -> LeasedJob?

  /// Extends the lease, hands over new lines of the log and learns what to do next.
  func heartbeat(_ lease: Lease, lines: [String]) async throws -> WorkerOrder

  /// Sends the gpkg at `path` to staging; sending it again replaces it.
  func upload(_ lease: Lease, path: String) async throws

  /// Says that the uploaded gpkg is the result, with the facts of its build as this worker's Portage
  /// describes them; throws with the gateway's reason if its checks refuse it.
  func complete(_ lease: Lease, built: PackageFacts) async throws

  /// Gives the job back as failed with one line that says why.
  func fail(_ lease: Lease, message: String, lines: [String]) async throws

  /// Gives the job back unbuilt for another worker to take: this one stops.
  func release(_ lease: Lease) async throws
}

/// What a worker can build.
public struct WorkerOffer: Sendable, Equatable, Codable {
  /// What the worker calls itself.
  public var name: String
  /// The CHOST that its compiler builds for.
  public var chost: String
  /// The features of its CPU by GCC's names: a build may run what it built.
  public var features: [String]
  /// The repositories that it has.
  public var repositories: [String]

  /// An offer of these parts.
  public init(name: String, chost: String, features: [String], repositories: [String]) {
    self.name = name
    self.chost = chost
    self.features = features
    self.repositories = repositories
  }
}

/// A lease with the request that it is for.
public struct LeasedJob: Sendable, Equatable, Codable {
  /// The terms.
  public let lease: Lease
  /// What to build.
  public let request: BuildRequest
  /// How often the gateway wants a heartbeat, in seconds.
  public let heartbeatSeconds: Int

  /// A leased job of these parts.
  public init(lease: Lease, request: BuildRequest, heartbeatSeconds: Int) {
    self.lease = lease
    self.request = request
    self.heartbeatSeconds = heartbeatSeconds
  }
}
