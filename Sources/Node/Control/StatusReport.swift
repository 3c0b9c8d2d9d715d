/// The state of a node, as `larder status` prints it.
public struct StatusReport: Codable, Sendable, Equatable {
  /// The version of the program.
  public var version = ""
  /// The public key of the node.
  public var node = ""
  /// desktop or seeder.
  public var role = ""
  /// The name of the peer-to-peer network.
  public var network = ""
  /// Seconds since the daemon started.
  public var uptime: Int64 = 0
  /// The port that peers reach, UDP and TCP.
  public var port: UInt16 = 0
  /// Nodes in the routing table.
  public var peers = 0
  /// Records kept for others.
  public var records = 0
  /// Complete blobs.
  public var blobs = 0
  /// Their bytes.
  public var blobBytes: UInt64 = 0
  /// Packages listed for Portage.
  public var listed = 0
  /// Builds that this node published.
  public var published = 0
  /// Blobs that are being fetched.
  public var fetching = 0
  /// Peers that are being served.
  public var serving = 0
  /// Peers banned for bad data.
  public var banned: [String] = []
  /// Cloud builds under way.
  public var jobs = 0
  /// Planned packages for which a build was accepted.
  public var hits = 0
  /// Planned packages without an acceptable build.
  public var misses = 0
  /// Packages that were found in PKGDIR and not published, with the reason.
  public var refused: [String] = []

  /// The state of a node that has just started.
  public init() {}
}
