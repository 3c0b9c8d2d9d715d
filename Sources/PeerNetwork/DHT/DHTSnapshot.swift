public import Cryptography
public import DHT
public import Wire

/// The DHT as the status page shows it.
public struct DHTSnapshot: Sendable, Equatable {
  /// This node's key.
  public let key: PublicKey
  /// Where it listens; nil before `start`.
  public let bound: Address?
  /// Whether some contact answers.
  public let isJoined: Bool
  /// The machine's numbers.
  public let status: KademliaStatus
  /// The routing table's contacts by state.
  public let contacts: ContactStates
  /// Peers whose keys are kept.
  public let sessions: Int
  /// Own records and blobs that are published.
  public let published: Int
  /// Blobs whose announcements others keep.
  public let announced: Int
  /// How far publishing is behind its schedule.
  public let publishDelay: Duration
  /// How long searches for records took.
  public let lookups: LatencyHistogram
  /// Datagrams that came in.
  public let datagramsReceived: UInt64
  /// Datagrams that went out.
  public let datagramsSent: UInt64
  /// Bytes of UDP payload that went out.
  public let bytesSent: UInt64
  /// Datagrams that were none of ours, broke a bound or had a wrong tag.
  public let datagramsRefused: UInt64
  /// Datagrams of strangers beyond the budget of key agreements.
  public let strangersDropped: UInt64
  /// Cookies that were shown and are not valid: old ones, or guessed ones.
  public let cookiesRefused: UInt64
}
