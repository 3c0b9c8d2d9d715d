import Portage
import Wire

/// Reads the facts that a gpkg carries out of its metadata and environment.
struct DescriptionReader {
  let metadata: GpkgMetadata
  let environment: BashEnvironment

  func facts() throws(GpkgInspector.InspectError) -> PackageFacts {
    guard let cpv = metadata.cpv else { throw .metadata("CATEGORY and PF") }
    guard let slot = metadata["SLOT"].flatMap({ try? Slot($0) }) else { throw .metadata("SLOT") }
    var facts = PackageFacts(
      category: cpv.package.category, package: cpv.package.name, version: cpv.version.text,
      slot: slot.name, subslot: slot.effectiveSubslot, repository: try text("repository"),
      eapi: try text("EAPI"), chost: try text("CHOST"), target: target())
    let enabled = Set(words(metadata["USE"] ?? ""))
    var names: Set<String> = []
    for flag in words(metadata["IUSE"] ?? "") {
      names.insert(String(flag.drop { $0 == "+" || $0 == "-" }))
    }
    facts.use = names.sorted().map { enabled.contains($0) ? $0 : "-\($0)" }
    facts.depend = PackageFacts.Dependencies(
      bdepend: metadata["BDEPEND"] ?? "", depend: metadata["DEPEND"] ?? "",
      idepend: metadata["IDEPEND"] ?? "", pdepend: metadata["PDEPEND"] ?? "",
      rdepend: metadata["RDEPEND"] ?? "")
    facts.local = PackageFacts.LocalFacts(
      userPatches: (metadata["USER_PATCHES"] ?? "").lowercased(), linguas: setting("LINGUAS"),
      extraEconf: setting("EXTRA_ECONF"), extraEmake: setting("EXTRA_EMAKE"),
      mycmakeargs: setting("MYCMAKEARGS"), mymesonargs: setting("MYMESONARGS"),
      pkgInstallMask: setting("PKG_INSTALL_MASK"))
    return facts
  }

  func buildTime() throws(GpkgInspector.InspectError) -> Timestamp {
    guard let time = metadata.buildTime, time >= 0 else { throw .metadata("BUILD_TIME") }
    return Timestamp(time)
  }

  func sonames(_ name: String) throws(GpkgInspector.InspectError) -> SonameList {
    do {
      return try SonameList(metadata[name] ?? "")
    } catch {
      throw .metadata(name)
    }
  }

  func libc() -> HostFacts.Libc? {
    guard let tree = try? DependencyTree(metadata["RDEPEND"] ?? ""),
      let (package, version) = LibcPackages.bound(in: tree)
    else { return nil }
    return HostFacts.Libc(package: package.description, version: version.text)
  }

  private func target() -> PackageFacts.Target {
    let defaultABI = variable("DEFAULT_ABI")
    var libdirs: [String: String] = [:]
    for abi in [defaultABI] + words(variable("MULTILIB_ABIS")) where !abi.isEmpty {
      libdirs[abi] = variable("LIBDIR_\(abi)")
    }
    return PackageFacts.Target(
      abi: variable("ABI"), defaultABI: defaultABI, libdirs: libdirs, arch: variable("ARCH"),
      elibc: variable("ELIBC"), kernel: variable("KERNEL"), eprefix: setting("EPREFIX"),
      usr: "merged")
  }

  private func text(_ name: String) throws(GpkgInspector.InspectError) -> String {
    guard let text = metadata[name], !text.isEmpty else { throw .metadata(name) }
    return text
  }

  private func variable(_ name: String) -> String { environment[name]?.text ?? "" }

  /// The owner's setting, with single spaces: the metadata's word where it has one.
  private func setting(_ name: String) -> String {
    words(metadata[name] ?? arrayText(name) ?? variable(name)).joined(separator: " ")
  }

  /// An array as the helper prints it: bash's own spelling, `([0]="a" [1]="b")`.
  private func arrayText(_ name: String) -> String? {
    guard let declaration = environment[name], case .array = declaration.value,
      let text = String(validating: environment.bytes[declaration.range], as: UTF8.self),
      let start = text.firstIndex(of: "=")
    else { return nil }
    return String(text[text.index(after: start)...])
  }

  private func words(_ text: String) -> [String] {
    text.split { $0 == " " || $0 == "\t" || $0 == "\n" }.map(String.init)
  }
}
