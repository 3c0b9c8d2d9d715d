import Portage
import Wire

extension PackageFacts {
  /// The bounds of facts from outside, beyond those of names, versions and dependency strings.
  public enum Bounds {
    /// One text that has no narrower bound, in bytes.
    public static let text = 65_536
    /// One word, such as an ABI or a digest, in bytes.
    public static let word = 255
    /// Elements of one list: the largest package of ::gentoo has around 1,500 distfiles.
    public static let list = 8_192
  }

  /// Checks every name, text and list against its form and bound.
  ///
  /// No text may hold a control character but tab and line breaks, and those only where Portage
  /// itself writes them; so nothing here can break the line-based formats that are made from it.
  public func validate() throws(FactsError) {
    try validateIdentity()
    try validateTarget()
    try Check.list(use, "use")
    for flag in use { try Check.flag(flag, "use") }
    try validateDependencies()
    try validateDistfiles()
    try validateLocal()
    try validateBuild()
    try Check.map(index, "index", limit: Bounds.text)
  }

  private func validateIdentity() throws(FactsError) {
    guard (try? PackageName(category: category, name: package)) != nil else {
      throw .malformed(field: "package", value: Check.excerpt(name))
    }
    guard (try? Version(version)) != nil else {
      throw .malformed(field: "version", value: Check.excerpt(version))
    }
    for (value, field) in [(slot, "slot"), (subslot, "subslot")] {
      guard let parsed = try? Slot(value), parsed.subslot == nil else {
        throw .malformed(field: field, value: Check.excerpt(value))
      }
    }
    for (value, field) in [(repository, "repository"), (eapi, "eapi"), (chost, "chost")] {
      try Check.word(value, field, mayBeEmpty: false)
    }
  }

  private func validateTarget() throws(FactsError) {
    let required = [
      (target.arch, "target.arch"), (target.elibc, "target.elibc"),
      (target.kernel, "target.kernel"),
    ]
    for (value, field) in required { try Check.word(value, field, mayBeEmpty: false) }
    // Profiles without multilib may set neither.
    try Check.word(target.abi, "target.abi")
    try Check.word(target.defaultABI, "target.default_abi")
    try Check.line(target.eprefix, "target.eprefix", limit: 4_096)
    try Check.map(target.libdirs, "target.libdirs", limit: Bounds.word)
    guard target.usr == "merged" || target.usr == "split" else {
      throw .malformed(field: "target.usr", value: Check.excerpt(target.usr))
    }
  }

  private func validateDependencies() throws(FactsError) {
    let all = [
      (depend.bdepend, "BDEPEND"), (depend.depend, "DEPEND"), (depend.idepend, "IDEPEND"),
      (depend.pdepend, "PDEPEND"), (depend.rdepend, "RDEPEND"),
    ]
    for (text, field) in all { _ = try Check.dependencies(text, "depend.\(field)") }
  }

  private func validateDistfiles() throws(FactsError) {
    try Check.list(distfiles, "distfiles")
    var names: Set<String> = []
    for file in distfiles {
      try Check.word(file.name, "distfiles.name", mayBeEmpty: false)
      guard !file.name.contains("/"), names.insert(file.name).inserted else {
        throw .malformed(field: "distfiles.name", value: Check.excerpt(file.name))
      }
      try Check.map(file.digests, "distfiles.digests", limit: Bounds.word)
    }
  }

  private func validateLocal() throws(FactsError) {
    for (name, value) in local.named { try Check.text(value, "local.\(name)") }
  }

  private func validateBuild() throws(FactsError) {
    try Check.map(flags, "flags", limit: Bounds.text)
    for (value, field) in [
      (cpu.march, "cpu.march"), (cpu.mtune, "cpu.mtune"), (cpu.level, "cpu.level"),
      (compiler.name, "compiler.name"), (compiler.version, "compiler.version"),
    ] { try Check.word(value, field) }
    guard cpu.level.isEmpty || CPULevel(rawValue: cpu.level) != nil else {
      throw .malformed(field: "cpu.level", value: Check.excerpt(cpu.level))
    }
    try Check.list(cpu.features, "cpu.features")
    for feature in cpu.features { try Check.word(feature, "cpu.features", mayBeEmpty: false) }
    try Check.list(contentFeatures, "content_features")
    for feature in contentFeatures { try Check.word(feature, "content_features") }
    for (value, field) in [
      (recipe.ebuild, "recipe.ebuild"), (recipe.normalized, "recipe.normalized"),
      (recipe.files, "recipe.files"),
    ] { try Check.hex(value, field) }
    try Check.map(recipe.eclasses, "recipe.eclasses", limit: Bounds.word)
  }
}

extension PackageFacts.LocalFacts {
  /// The values by the names of the JSON, in the order of the fingerprint.
  var named: [(name: String, value: String)] {
    [
      ("user_patches", userPatches), ("linguas", linguas), ("extra_econf", extraEconf),
      ("extra_emake", extraEmake), ("mycmakeargs", mycmakeargs), ("mymesonargs", mymesonargs),
      ("pkg_install_mask", pkgInstallMask),
    ]
  }
}

/// The checks that facts share.
enum Check {
  static func excerpt(_ value: String) -> String { String(value.prefix(80)) }

  static func list<Element>(_ list: [Element], _ field: String) throws(FactsError) {
    let limit = PackageFacts.Bounds.list
    guard list.count <= limit else {
      throw .tooMany(field: field, count: list.count, limit: limit)
    }
  }

  /// One line of printable text.
  static func line(_ value: String, _ field: String, limit: Int) throws(FactsError) {
    let count = value.utf8.count
    guard count <= limit else { throw .tooLong(field: field, count: count, limit: limit) }
    for byte in value.utf8 where byte < 0x20 || byte == 0x7F {
      throw .malformed(field: field, value: excerpt(value))
    }
  }

  /// Text that may have tabs and line breaks.
  static func text(_ value: String, _ field: String) throws(FactsError) {
    let count = value.utf8.count
    let limit = PackageFacts.Bounds.text
    guard count <= limit else { throw .tooLong(field: field, count: count, limit: limit) }
    for byte in value.utf8 where (byte < 0x20 && byte != 0x09 && byte != 0x0A) || byte == 0x7F {
      throw .malformed(field: field, value: excerpt(value))
    }
  }

  /// A line without spaces.
  static func word(
    _ value: String, _ field: String, mayBeEmpty: Bool = true
  ) throws(FactsError) {
    try line(value, field, limit: PackageFacts.Bounds.word)
    guard mayBeEmpty || !value.isEmpty, !value.utf8.contains(0x20) else {
      throw .malformed(field: field, value: excerpt(value))
    }
  }

  static func flag(_ value: String, _ field: String) throws(FactsError) {
    let name = value.first == "-" ? value.dropFirst() : Substring(value)
    var isValid = !name.isEmpty && name.utf8.count <= PackageFacts.Bounds.word
    for (index, byte) in name.utf8.enumerated() {
      let isAlphanumeric =
        (0x30...0x39).contains(byte) || (0x41...0x5A).contains(byte)
        || (0x61...0x7A).contains(byte)
      let isPunctuation = index > 0 && "+_@-".utf8.contains(byte)
      if !isAlphanumeric && !isPunctuation { isValid = false }
    }
    guard isValid else { throw .malformed(field: field, value: excerpt(value)) }
  }

  static func hex(_ value: String, _ field: String) throws(FactsError) {
    guard value.isEmpty || (value.utf8.count == 64 && [UInt8](hex: value) != nil) else {
      throw .malformed(field: field, value: excerpt(value))
    }
  }

  static func map(
    _ map: [String: String], _ field: String, limit: Int
  ) throws(FactsError) {
    let most = PackageFacts.Bounds.list
    guard map.count <= most else { throw .tooMany(field: field, count: map.count, limit: most) }
    for (name, value) in map {
      try word(name, field, mayBeEmpty: false)
      try line(value, "\(field).\(name)", limit: limit)
    }
  }

  static func dependencies(
    _ text: String, _ field: String
  ) throws(FactsError) -> DependencyTree {
    guard let tree = try? DependencyTree(text), !tree.isConditional else {
      throw .malformed(field: field, value: excerpt(text))
    }
    return tree
  }
}
