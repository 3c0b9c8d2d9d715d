/// The compiler flags as configured, white space collapsed, order kept.
public struct CompilerFlags: Sendable, Hashable {
  /// The flags by variable name (CFLAGS, RUSTFLAGS, …); empty ones are left out.
  public let values: [String: String]

  /// Collapses white space and drops what is empty.
  public init(_ values: [String: String]) {
    var kept: [String: String] = [:]
    for (name, value) in values {
      let words = value.split { $0 == " " || $0 == "\t" || $0 == "\n" }
      if !words.isEmpty { kept[name] = words.joined(separator: " ") }
    }
    self.values = kept
  }

  /// 16 bytes of BLAKE2b over `larder flags 1` and each name and value, length-prefixed, by name.
  public var digest: [UInt8] {
    var hash = CanonicalHash(domain: "larder flags 1", length: 16)
    for (name, value) in values.sorted(by: { $0.key < $1.key }) {
      hash.append(name)
      hash.append(value)
    }
    return hash.finalize()
  }

  /// The names of the variables in which `other` differs, sorted.
  public func differences(from other: CompilerFlags) -> [String] {
    Set(values.keys).union(other.values.keys).filter { values[$0] != other.values[$0] }.sorted()
  }

  /// Variables whose words are those of GCC and clang.
  private static let cLike = ["CXXFLAGS", "CPPFLAGS", "FCFLAGS", "FFLAGS", "LDFLAGS"]

  /// The features that the flags select beyond those that CFLAGS were resolved to.
  ///
  /// CFLAGS are resolved through the compiler (`cpu`). What other variables ask for besides is taken
  /// from their words: a psABI level or a single feature by name, `native` from the builder's CPU. A CPU name that
  /// CFLAGS don't share can't be resolved here and counts as a feature that no host has.
  func features(beyond cpu: PackageFacts.CPU, native: CPUFeatures) -> CPUFeatures {
    var features = CPUFeatures()
    let known = Set(words(of: "CFLAGS").filter { $0.hasPrefix("-m") })
    for name in Self.cLike {
      for word in words(of: name) where word.hasPrefix("-m") && !known.contains(word) {
        features.formUnion(Self.features(ofSwitch: word, cpu: cpu, native: native))
      }
    }
    features.formUnion(rustFeatures(cpu: cpu, native: native))
    if let number = values["GOAMD64"].flatMap({ Int($0.prefix { $0 != "," }.dropFirst()) }),
      let level = CPULevel(number: number)
    {
      features.formUnion(level.features)
    }
    return features
  }

  private func words(of name: String) -> [Substring] {
    values[name]?.split(separator: " ") ?? []
  }

  private static func features(
    ofSwitch word: Substring, cpu: PackageFacts.CPU, native: CPUFeatures
  ) -> CPUFeatures {
    for prefix in ["-march=", "-mcpu="] where word.hasPrefix(prefix) {
      return Self.features(
        ofCPU: String(word.dropFirst(prefix.count)), cpu: cpu, native: native)
    }
    let name = word.dropFirst(2)
    if name.hasPrefix("no-") || name.contains("=") { return CPUFeatures() }
    guard let feature = CPUFeature(name) else { return CPUFeatures() }
    return CPUFeatures([feature.description])
  }

  private static func features(
    ofCPU name: String, cpu: PackageFacts.CPU, native: CPUFeatures
  ) -> CPUFeatures {
    if name == "native" { return native }
    if name == cpu.march || name == "generic" { return CPUFeatures() }
    return CPULevel(rawValue: name)?.features ?? CPUFeatures(["?"])
  }

  private func rustFeatures(cpu: PackageFacts.CPU, native: CPUFeatures) -> CPUFeatures {
    var features = CPUFeatures()
    for word in words(of: "RUSTFLAGS") {
      let option = word.hasPrefix("-C") ? word.dropFirst(2) : word
      if option.hasPrefix("target-cpu=") {
        features.formUnion(
          Self.features(ofCPU: String(option.dropFirst(11)), cpu: cpu, native: native))
      } else if option.hasPrefix("target-feature=") {
        for name in option.dropFirst(15).split(separator: ",") where name.first == "+" {
          let known = CPUFeature(name.dropFirst())
          features.formUnion(CPUFeatures([known?.description ?? "?"]))
        }
      }
    }
    return features
  }
}
