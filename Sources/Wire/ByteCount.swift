/// A number of bytes, as users write it (`5MB`, `512 KiB`) and as programs count it.
public struct ByteCount: Hashable, Comparable, Sendable {
  /// The number of bytes.
  public let bytes: UInt64

  /// This many bytes.
  public init(_ bytes: UInt64) {
    self.bytes = bytes
  }

  /// This many binary kibibytes.
  public static func kibibytes(_ count: UInt64) -> ByteCount { ByteCount(count << 10) }

  /// This many binary mebibytes.
  public static func mebibytes(_ count: UInt64) -> ByteCount { ByteCount(count << 20) }

  /// This many binary gibibytes.
  public static func gibibytes(_ count: UInt64) -> ByteCount { ByteCount(count << 30) }

  /// A count with an optional unit: B, kB, MB, GB, TB (powers of 1000), KiB, MiB, GiB, TiB or the
  /// short K, M, G, T (powers of 1024). Nil for anything else and for what 64 bits don't hold.
  public init?(_ text: some StringProtocol) {
    let digits = text.prefix { $0.isASCII && ($0.isNumber || $0 == ".") }
    let unit = text.dropFirst(digits.count).drop { $0 == " " }
    guard let factor = Self.factor(String(unit)), digits.count <= 20 else { return nil }
    if let whole = UInt64(digits) {
      let (product, overflow) = whole.multipliedReportingOverflow(by: factor)
      guard !overflow else { return nil }
      self.init(product)
    } else {
      guard let number = Double(digits), number.isFinite else { return nil }
      let product = number * Double(factor)
      guard product >= 0, product < 18e18 else { return nil }
      self.init(UInt64(product))
    }
  }

  private static func factor(_ unit: String) -> UInt64? {
    switch unit.lowercased() {
    case "", "b": 1
    case "kb": 1_000
    case "mb": 1_000_000
    case "gb": 1_000_000_000
    case "tb": 1_000_000_000_000
    case "k", "kib": 1 << 10
    case "m", "mib": 1 << 20
    case "g", "gib": 1 << 30
    case "t", "tib": 1 << 40
    default: nil
    }
  }

  /// Whether the left count is the smaller.
  public static func < (left: ByteCount, right: ByteCount) -> Bool {
    left.bytes < right.bytes
  }
}

extension ByteCount: CustomStringConvertible {
  /// The count with at most one decimal and the largest binary unit that fits: `1.5 MiB`.
  public var description: String {
    guard bytes >= 1 << 10 else { return "\(bytes) B" }
    var value = Double(bytes)
    var unit = ""
    for name in ["KiB", "MiB", "GiB", "TiB", "PiB", "EiB"] where value >= 1023.95 || unit.isEmpty {
      value /= 1024
      unit = name
    }
    let tenths = UInt64((value * 10).rounded())
    return tenths % 10 == 0 ? "\(tenths / 10) \(unit)" : "\(tenths / 10).\(tenths % 10) \(unit)"
  }
}
