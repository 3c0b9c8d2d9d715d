import Cryptography
public import Portage
import Wire

/// Makes entries of the binhost's index from this host's own plan: no text from a peer reaches Portage.
public enum IndexEntryMaker {
  /// Why no entry is made.
  public enum MakeError: Error, Equatable, Sendable {
    /// The planned package has no valid name.
    case package(String)
    /// The statement's libc is no libc package with a version.
    case libc(String)
    /// A field can't stand in an index.
    case entry(PackagesEntry.ValidityError)
  }

  /// The entry of the file at `path` below the binhost.
  ///
  /// Of the statement it takes size, digests and BUILD_TIME, and the bound on libc, which was checked
  /// against this host: with `--dynamic-deps=n` Portage would reinstall for ever without it.
  public static func entry(
    for planned: PackageFacts, statement: BuildStatement, path: String
  ) throws(MakeError) -> PackagesEntry {
    guard let cpv = try? CPV(planned.cpv) else { throw .package(planned.cpv) }
    var fields: [String: String] = [
      "BUILD_TIME": "\(statement.buildTime.seconds)", "CHOST": planned.chost,
      // Portage stamps its copy of the file with it, and fails where a copy lies that it can't compare.
      "MTIME": "\(statement.buildTime.seconds)",
      "EAPI": planned.eapi, "MD5": statement.md5.hex, "REPO": planned.repository,
      "SHA1": statement.sha1.hex, "SIZE": "\(statement.size)",
    ]
    let hasSubslot = planned.subslot != planned.slot
    fields["SLOT"] = hasSubslot ? "\(planned.slot)/\(planned.subslot)" : planned.slot
    fields["BDEPEND"] = line(planned.depend.bdepend)
    fields["DEPEND"] = line(planned.depend.depend)
    fields["IDEPEND"] = line(planned.depend.idepend)
    fields["PDEPEND"] = line(planned.depend.pdepend)
    fields["RDEPEND"] = line(planned.depend.rdepend)
    if let libc = statement.judged.libc {
      let bound = try self.bound(on: libc)
      let runtime = fields["RDEPEND"] ?? ""
      fields["RDEPEND"] = runtime.isEmpty ? bound : "\(runtime) \(bound)"
    }
    for name in ["DEFINED_PHASES", "IUSE", "KEYWORDS", "LICENSE", "PROPERTIES", "RESTRICT", "USE"] {
      fields[name] = line(planned.index[name] ?? "")
    }
    fields["DESC"] = line(planned.index["DESCRIPTION"] ?? "")
    do {
      return try PackagesEntry(cpv: cpv, path: path, fields: fields)
    } catch {
      throw .entry(error)
    }
  }

  private static func bound(on libc: HostFacts.Libc) throws(MakeError) -> String {
    guard let package = try? PackageName(libc.package), LibcPackages.names.contains(package),
      let version = try? Version(libc.version)
    else { throw .libc("\(libc.package)-\(libc.version)") }
    return ">=\(package)-\(version)"
  }

  private static func line(_ text: String) -> String {
    text.split { $0 == " " || $0 == "\t" || $0 == "\n" }.joined(separator: " ")
  }
}
