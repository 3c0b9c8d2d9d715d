public import Cryptography
import Synchronization
public import Transfer
public import Wire

/// The transfer's state at one moment, for the status page.
public struct TransferSnapshot: Sendable, Equatable {
  /// One open connection.
  public struct Connection: Sendable, Equatable {
    /// The other node.
    public var key: PublicKey
    /// Where it is.
    public var address: Address?
    /// Whether this node opened it.
    public var isOutgoing: Bool
    /// By what way it goes now.
    public var way: PeerWay
    /// Bytes of blobs that went out.
    public var sent: UInt64
    /// Bytes of blocks that came in.
    public var received: UInt64

    init(_ connection: PeerConnection) {
      key = connection.key
      address = connection.address
      isOutgoing = connection.isOutgoing
      way = connection.mark.way
      (sent, received) = connection.traffic
    }
  }

  /// One running fetch.
  public struct Fetch: Sendable, Equatable {
    /// The blob.
    public var root: ContentRoot
    /// How far it is.
    public var progress: FetchProgress
  }

  /// One banned node.
  public struct Ban: Sendable, Equatable {
    /// The node.
    public var key: PublicKey
    /// What it did.
    public var offence: Offence
  }

  /// Where the service listens.
  public var bound: Address?
  /// The open connections.
  public var connections: [Connection]
  /// Bytes of blobs that went out since the start.
  public var sent: UInt64
  /// Bytes of blocks that came in since the start.
  public var received: UInt64
  /// The running fetches, by root.
  public var fetches: [Fetch]
  /// The fetches that wait in line.
  public var waitingFetches: Int
  /// The banned nodes, by key.
  public var bans: [Ban]
}
