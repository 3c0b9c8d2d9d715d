import Portage
import Trust

extension BuildRequest {
  /// The content features that a request may switch on.
  static let contentFeatures: Set<String> = [
    "compressdebug", "installsources", "nostrip", "splitdebug",
  ]

  static func check(_ facts: PackageFacts) throws(Refusal) {
    try checkIdentity(facts)
    try checkLocal(facts.local)
    for (variable, value) in facts.flags.sorted(by: { $0.key < $1.key }) {
      guard FlagWhitelist.variables.contains(variable) else {
        throw malformed("flags", variable)
      }
      if let flag = FlagWhitelist.refused(value, in: variable) {
        throw .flag(String(flag.prefix(80)), variable: variable)
      }
    }
    for feature in facts.contentFeatures where !contentFeatures.contains(feature) {
      throw malformed("content_features", feature)
    }
    try checkDependencies(facts.depend)
    for file in facts.distfiles where !isFileName(file.name) {
      throw malformed("distfiles", file.name)
    }
  }

  private static func checkIdentity(_ facts: PackageFacts) throws(Refusal) {
    guard (try? CPV(facts.cpv)) != nil, (try? PackageName(facts.name)) != nil,
      (try? Version(facts.version)) != nil
    else { throw malformed("package", facts.cpv) }
    guard (try? Slot("\(facts.slot)/\(facts.subslot)")) != nil else {
      throw malformed("slot", "\(facts.slot)/\(facts.subslot)")
    }
    guard (try? Atom("\(facts.name)::\(facts.repository)"))?.repository == facts.repository else {
      throw malformed("repository", facts.repository)
    }
    guard isWord(facts.chost), facts.chost.utf8.count <= 64 else {
      throw malformed("chost", facts.chost)
    }
    guard isWord(facts.eapi), facts.eapi.utf8.count <= 8 else {
      throw malformed("eapi", facts.eapi)
    }
    for flag in facts.use {
      let name = flag.first == "-" ? String(flag.dropFirst()) : flag
      guard let parsed = try? Atom("\(facts.name)[\(name)]").use.first,
        parsed.flag == name, parsed.condition == .enabled
      else { throw malformed("use", flag) }
    }
  }

  private static func checkLocal(_ local: PackageFacts.LocalFacts) throws(Refusal) {
    let fields = [
      ("user patches", local.userPatches), ("LINGUAS", local.linguas),
      ("EXTRA_ECONF", local.extraEconf), ("EXTRA_EMAKE", local.extraEmake),
      ("MYCMAKEARGS", local.mycmakeargs), ("MYMESONARGS", local.mymesonargs),
      ("PKG_INSTALL_MASK", local.pkgInstallMask),
    ]
    for (name, value) in fields where !value.isEmpty { throw .local(field: name) }
  }

  private static func checkDependencies(
    _ depend: PackageFacts.Dependencies
  ) throws(Refusal) {
    let fields = [
      ("BDEPEND", depend.bdepend), ("DEPEND", depend.depend), ("IDEPEND", depend.idepend),
      ("PDEPEND", depend.pdepend), ("RDEPEND", depend.rdepend),
    ]
    for (name, text) in fields {
      guard let tree = try? DependencyTree(text), !tree.isConditional else {
        throw malformed(name, text)
      }
    }
  }

  private static func isFileName(_ name: String) -> Bool {
    guard !name.isEmpty, name.utf8.count <= 255, name.first != ".", name.first != "-" else {
      return false
    }
    return name.utf8.allSatisfy { $0 > 32 && $0 < 127 && $0 != 0x2F && $0 != 0x5C }
  }

  private static func isWord(_ text: String) -> Bool {
    guard !text.isEmpty, text.first != "-" else { return false }
    return text.utf8.allSatisfy {
      ($0 >= 0x30 && $0 <= 0x39) || ($0 >= 0x41 && $0 <= 0x5A) || ($0 >= 0x61 && $0 <= 0x7A)
        || $0 == 0x2D || $0 == 0x2E || $0 == 0x5F
    }
  }

  private static func malformed(_ field: String, _ value: String) -> Refusal {
    .malformed(field: field, value: String(BuildLog.clean(value).prefix(80)))
  }
}
