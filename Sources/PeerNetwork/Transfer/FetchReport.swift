public import Cryptography
public import Transfer

/// How far a fetch is.
public struct FetchProgress: Sendable, Equatable {
  /// The checked bytes, those of former runs included.
  public var bytes: UInt64
  /// The blob's size in bytes.
  public var size: UInt64
  /// The peers that serve now.
  public var peers: Int
}

/// How a fetch ended that brought its blob.
public struct FetchReport: Sendable, Equatable {
  /// The blob.
  public var root: ContentRoot
  /// Its size in bytes.
  public var size: UInt64
  /// The bytes that were here when the fetch began.
  public var resumed: UInt64
  /// The checked bytes that each peer gave.
  public var contributions: [PublicKey: UInt64]
  /// The peers that lied and what they did.
  public var banned: [PublicKey: Offence]
  /// How long it took, without the wait in line.
  public var duration: Duration
}

/// Why a fetch brought nothing.
///
/// What was checked stays in the store, so that a later fetch goes on from there.
public enum FetchError: Error, Sendable, Equatable, CustomStringConvertible {
  /// No provider is left that has the blob and tells the truth; those that lied.
  case noProviders(banned: [PublicKey: Offence])
  /// No checked block for the settings' stall time.
  case stalled
  /// The size is zero or above `Limits.blob`, or the store has the blob with another size.
  case badSize(UInt64)
  /// Too many fetches wait already.
  case busy
  /// The service is not running.
  case notRunning
  /// The store refused.
  case store(BlobStoreError)

  /// A sentence for people.
  public var description: String {
    switch self {
    case .noProviders(let banned) where banned.isEmpty: "no provider could be reached or has it"
    case .noProviders(let banned): "no provider is left; \(banned.count) lied and are banned"
    case .stalled: "the providers stopped sending"
    case .badSize(let size): "\(size) bytes is not a size that this blob can have"
    case .busy: "too many fetches are waiting"
    case .notRunning: "the transfer service is not running"
    case .store(.noSpace): "no space left on the device for the blob store"
    case .store(let error): "the blob store refused: \(error)"
    }
  }
}
