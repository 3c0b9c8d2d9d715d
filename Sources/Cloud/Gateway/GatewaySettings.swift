public import Builder

/// How a gateway behaves.
public struct GatewaySettings: Sendable {
  /// The address that it listens on. It speaks plain HTTP: beyond the loopback interface it
  /// belongs behind a TLS proxy or on a private network, since tokens travel in clear.
  public var host = "127.0.0.1"
  /// The port; 0 takes a free one.
  public var port = 7785
  /// Where uploads are kept until they are checked; must be on the blob store's file system if
  /// accepting is to be a rename.
  public var staging: String
  /// Leases, heartbeats and the memory of failures.
  public var builds = BuildSettings()
  /// The largest upload, in bytes: the largest binary packages of ::gentoo are around 2 GiB.
  public var uploadLimit: UInt64 = 4 << 30
  /// Calls a minute that one token of an asker may make.
  public var callsPerMinute = 120
  /// Calls a minute that one token of a worker may make.
  public var workerCallsPerMinute = 1_200
  /// Unfinished packages that one token may wait for.
  public var openRequests = 1_000
  /// Event streams that one token may have open.
  public var openStreams = 8
  /// How often a silent event stream is pinged.
  public var ping: Duration = .seconds(15)
  /// How often the index is looked at when no change was noticed in this process.
  public var poll: Duration = .seconds(1)
  /// How often ended leases are swept up.
  public var sweep: Duration = .seconds(10)
  /// The longest time that a worker's call for work is kept waiting.
  public var longestWait: Duration = .seconds(25)

  /// The defaults, with this staging directory.
  public init(staging: String) {
    self.staging = staging
  }
}
