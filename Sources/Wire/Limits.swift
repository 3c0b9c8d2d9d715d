/// The bounds of everything that comes from outside; each is checked before memory is taken.
public enum Limits {
  /// UDP payload of one datagram, in bytes: IPv6's minimum MTU of 1,280 less the IPv6 and UDP headers.
  public static let datagram = 1_232

  /// One encoded signed record, in bytes: fits a sealed datagram beside its envelope.
  public static let record = 1_000

  /// Keys in one FIND or GET.
  public static let keysPerRequest = 24

  /// Issuers that a GET may name.
  public static let issuersPerRequest = 8

  /// Addresses in one provider announcement.
  public static let addressesPerProvider = 4

  /// One frame of a transfer stream, in bytes, without the block that follows a DATA frame.
  public static let frame = 128 << 10

  /// One blob, in bytes (16 GiB): the largest binary packages of ::gentoo are around 2 GiB.
  public static let blob: UInt64 = 16 << 30

  /// A leaf of the Merkle tree, in bytes (BEP 52).
  public static let leaf = 16 << 10

  /// The unit that is asked for, sent and checked, in bytes: four leaves.
  public static let block = 64 << 10

  /// A piece, in bytes: the level of the tree that is exchanged first.
  public static let piece = 1 << 20

  /// How far a record's times may lie in the future, for clocks that are off.
  public static let clockSkew = Duration.seconds(600)

  /// The longest life of a build statement.
  public static let statementLife = Duration.seconds(400 * 86_400)

  /// The longest life of a provider announcement.
  public static let providerLife = Duration.seconds(25 * 3_600)
}
