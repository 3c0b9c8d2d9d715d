/// The switches of Portage that decide what of debugging is in a package.
public struct ContentFeatures: OptionSet, Sendable, Hashable {
  /// The bits, as build statements carry them.
  public let rawValue: UInt32

  /// The switches of these bits; unknown bits are kept, so that they differ.
  public init(rawValue: UInt32) {
    self.rawValue = rawValue
  }

  /// splitdebug: symbols in files of their own.
  public static let splitdebug = ContentFeatures(rawValue: 1)
  /// nostrip: symbols stay in the programs.
  public static let nostrip = ContentFeatures(rawValue: 2)
  /// compressdebug: debugging sections are compressed.
  public static let compressdebug = ContentFeatures(rawValue: 4)
  /// installsources: sources are installed for debuggers.
  public static let installsources = ContentFeatures(rawValue: 8)

  private static let byName: [(name: String, feature: ContentFeatures)] = [
    ("compressdebug", .compressdebug), ("installsources", .installsources),
    ("nostrip", .nostrip), ("splitdebug", .splitdebug),
  ]

  /// The switches of these names; others are ignored.
  public init(names: some Sequence<String>) {
    var features: ContentFeatures = []
    for name in names {
      for known in Self.byName where known.name == name { features.insert(known.feature) }
    }
    self = features
  }

  /// The names of the switches, sorted; `none` if there is none.
  public var text: String {
    let names = Self.byName.filter { contains($0.feature) }.map(\.name)
    return names.isEmpty ? "none" : names.joined(separator: " ")
  }
}
