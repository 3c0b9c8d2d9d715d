public import Cryptography
public import Wire

/// One builder's claim: the file of this content root is a build of that fingerprint.
public struct BuildStatement: Sendable, Hashable {
  /// What it is a build of: the DHT key.
  public var fingerprint: Fingerprint
  /// The file's name in the network.
  public var root: ContentRoot
  /// The file's size in bytes; 0 in a tombstone.
  public var size: UInt64
  /// The file's MD5, 16 bytes: Portage's index demands it.
  public var md5: [UInt8]
  /// The file's SHA-1, 20 bytes: likewise.
  public var sha1: [UInt8]
  /// What independent builds of the same package share.
  public var agreement: Bytes32
  /// What the reader's policy judges.
  public var judged: JudgedFacts
  /// BUILD_TIME of the package.
  public var buildTime: Timestamp
  /// The place among the issuer's statements about this file: a higher one replaces.
  public var sequence: UInt64
  /// When it was signed.
  public var created: Timestamp
  /// When it ends.
  public var expires: Timestamp
  /// Whether it withdraws what was said before.
  public var isWithdrawn: Bool

  /// A statement about a file.
  public init(
    fingerprint: Fingerprint, root: ContentRoot, size: UInt64, md5: [UInt8], sha1: [UInt8],
    agreement: Bytes32, judged: JudgedFacts, buildTime: Timestamp, sequence: UInt64,
    created: Timestamp, expires: Timestamp
  ) {
    self.fingerprint = fingerprint
    self.root = root
    self.size = size
    self.md5 = md5
    self.sha1 = sha1
    self.agreement = agreement
    self.judged = judged
    self.buildTime = buildTime
    self.sequence = sequence
    self.created = created
    self.expires = expires
    isWithdrawn = false
  }

  /// The life of statements unless told otherwise.
  public static let defaultLife = Duration.seconds(90 * 86_400)

  /// The tombstone of this statement: the next sequence, as long a life from `now`.
  ///
  /// It keeps only what names the slot; it must outlive what it withdraws, so it lives until the
  /// statement's end at least.
  public func withdrawn(at now: Timestamp) -> BuildStatement {
    var stone = self
    stone.size = 0
    stone.md5 = []
    stone.sha1 = []
    stone.agreement = .zero
    stone.judged = JudgedFacts()
    stone.buildTime = Timestamp(0)
    stone.sequence = sequence &+ 1
    stone.created = now
    stone.expires = max(expires, now + Self.defaultLife)
    if stone.expires - now > Limits.statementLife { stone.expires = now + Limits.statementLife }
    stone.isWithdrawn = true
    return stone
  }

  /// The digest of what is said, whatever the sequence and the times: a renewed statement claims the same.
  public var claim: Bytes32 {
    var timeless = self
    timeless.sequence = 0
    timeless.created = Timestamp(0)
    timeless.expires = Timestamp(0)
    return BLAKE2b.hash256(timeless.encodedBody)
  }

  /// The same claim signed anew: the next sequence and a fresh life.
  public func renewed(at now: Timestamp, life: Duration = defaultLife) -> BuildStatement {
    var next = self
    next.sequence = sequence &+ 1
    next.created = now
    next.expires = now + life
    return next
  }
}
