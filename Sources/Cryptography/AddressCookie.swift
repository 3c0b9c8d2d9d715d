public import Wire

/// Proof that a sender receives what is sent to its address (docs/PROTOCOL.md): 16 bytes of keyed BLAKE2b over
/// address, node key and a half-hour epoch.
///
/// RFC 9018 has DNS servers take theirs for an hour. A node looks after each contact every ten to ninety
/// minutes, and a shorter life would have most of that padded.
///
/// A reply carries it, the next request shows it; it is checked in well under a microsecond, before
/// any key agreement is paid for.
public struct AddressCookie: Sendable {
  /// The length of a cookie in bytes.
  public static let length = 16
  /// The cookie of one who has none yet.
  public static let none = [UInt8](repeating: 0, count: length)

  /// A cookie holds in the epoch in which it was made and in the next one.
  public static let epoch = Duration.seconds(1_800)

  private let secret: SecretBytes

  /// Cookies under a new secret, so that those from before a restart are void.
  public init() {
    secret = SecretBytes(SecureRandom.bytes(32))
  }

  /// Cookies under a given secret of at most 64 bytes, for tests.
  public init(secret: [UInt8]) {
    self.secret = SecretBytes(secret)
  }

  /// The cookie for `key` at `address` now.
  public func make(for key: PublicKey, at address: Address, now: Instant) -> [UInt8] {
    cookie(key, address, epoch: epoch(now))
  }

  /// Whether this cookie was made for `key` at `address` in this epoch or the one before.
  public func isValid(
    _ cookie: [UInt8], for key: PublicKey, at address: Address, now: Instant
  ) -> Bool {
    guard cookie.count == Self.length else { return false }
    let current = epoch(now)
    if equal(cookie, self.cookie(key, address, epoch: current)) { return true }
    return current > 0 && equal(cookie, self.cookie(key, address, epoch: current - 1))
  }

  private func epoch(_ now: Instant) -> UInt64 {
    now.nanoseconds / UInt64(Self.epoch.components.seconds * 1_000_000_000)
  }

  private func cookie(_ key: PublicKey, _ address: Address, epoch: UInt64) -> [UInt8] {
    var input = withUnsafeBytes(of: epoch.littleEndian) { Array($0) }
    input += address.compact
    input += key.bytes.bytes
    return BLAKE2b.hash(input, length: Self.length, key: secret.bytes)
  }

  /// Compares in constant time.
  private func equal(_ left: [UInt8], _ right: [UInt8]) -> Bool {
    var difference: UInt8 = 0
    for (one, other) in zip(left, right) { difference |= one ^ other }
    return difference == 0
  }
}
