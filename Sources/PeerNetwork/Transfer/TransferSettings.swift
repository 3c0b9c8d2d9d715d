public import Transfer
public import Wire

/// How this node transfers.
public struct TransferSettings: Sendable {
  /// Where TCP is bound; nil serves nobody.
  public var bind: Address? = Address(ip: .v6(0, 0), port: 7_782)
  /// The network's name; nodes of other networks are turned away.
  public var network = "larder"
  /// The connections that may be open, both directions together.
  public var connections = 256
  /// The incoming connections that may be open from one IP address other than loopback.
  public var connectionsPerAddress = 16
  /// How long TCP may take to connect to one address.
  public var connectTime = Duration.seconds(5)
  /// How long the announced addresses of a node have, all together, to open a UDP stream.
  public var openingTime = Duration.seconds(2)
  /// How long a node that answered no OPEN is asked for by TCP alone.
  public var deafTime = Duration.seconds(5)
  /// When the ways to a node begin.
  public var approach = Approach.Settings()
  /// How long an accepted or opened connection may take to its first frame.
  public var handshakeTime = Duration.seconds(10)
  /// How long one frame or block may take to arrive.
  public var frameTime = Duration.seconds(30)
  /// How long a written frame may wait for the other side to read.
  public var writeTime = Duration.seconds(30)
  /// How long a connection may be without a frame.
  public var idleTime = Duration.seconds(120)
  /// The fetches that run at once; further ones wait in line.
  public var fetches = 8
  /// The fetches of blobs of one block that run at once besides; with `fetches` less than the streams
  /// that a server lets an asker open.
  public var smallFetches = 40
  /// The fetches that may wait in line; further ones are refused.
  public var waitingFetches = 4_096
  /// Bytes a second of blobs that go out; nil for no limit.
  public var uploadLimit: UInt64?
  /// Bytes a second of blobs that come in; nil for no limit.
  public var downloadLimit: UInt64?
  /// Bytes a second of blobs that go out to one peer; nil for no limit.
  public var uploadLimitPerPeer: UInt64?
  /// Bytes a second of blobs that come in from one peer; nil for no limit.
  public var downloadLimitPerPeer: UInt64?
  /// Whether nodes beyond the local network are served at the start.
  public var servesBeyondLAN = true
  /// Which addresses are of the local network.
  public var isLocal: @Sendable (IPAddress) -> Bool = { !$0.isGlobal }
  /// Who is served blocks at the same time.
  public var slots = UnchokeSlots.Settings()
  /// Whether packets are marked as traffic that yields to all other (RFC 8622).
  public var isLowEffort = true
  /// How long a node that lied is refused.
  public var banTime = Duration.seconds(24 * 3_600)
  /// The most nodes on the ban list.
  public var bans = 1_024
  /// The bounds of one connection's serving side.
  public var serving = ServeMachine.Settings()
  /// The bounds and times of one fetch.
  public var fetching = FetchSettings()

  /// The defaults.
  public init() {}
}
