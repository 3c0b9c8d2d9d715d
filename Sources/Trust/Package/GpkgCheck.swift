import Portage
import Wire

/// Something in a fetched gpkg that is not what was planned or stated.
public struct Mismatch: Sendable, Hashable, CustomStringConvertible {
  /// The field: a fingerprint field's name, or BUILD_TIME, `agreement digest`, REQUIRES, …
  public let field: String
  /// What the file says.
  public let found: String
  /// What it should say.
  public let expected: String

  /// A field that is `found` instead of `expected`.
  public init(_ field: String, found: String, expected: String) {
    self.field = field
    self.found = found
    self.expected = expected
  }

  /// One line: the field, what was found, what was expected.
  public var description: String {
    "\(field) is \"\(Self.short(found))\", expected \"\(Self.short(expected))\""
  }

  private static func short(_ text: String) -> String {
    var line = ""
    for scalar in text.unicodeScalars.prefix(160) {
      line.unicodeScalars.append(scalar.value < 0x20 || scalar.value == 0x7F ? " " : scalar)
    }
    return line
  }
}

/// The last look at a verified gpkg before Portage may see it (docs/DESIGN.md): nothing with a problem
/// is ever listed.
public enum GpkgCheck {
  /// Everything in which the file differs from the plan, the statement or what this host has.
  public static func problems(
    of description: GpkgDescription, against planned: PackageFacts, statement: BuildStatement,
    host: HostFacts, libraries: HostLibraries
  ) -> [Mismatch] {
    fieldProblems(description, planned, statement)
      + statementProblems(description, statement)
      + hostProblems(description, planned, host)
      + libraryProblems(description, libraries)
  }

  /// Each field of the fingerprint that the file carries, computed anew.
  private static func fieldProblems(
    _ description: GpkgDescription, _ planned: PackageFacts, _ statement: BuildStatement
  ) -> [Mismatch] {
    let wanted: FingerprintFields
    do {
      wanted = try FingerprintFields(of: planned)
    } catch {
      return [Mismatch("plan", found: "\(error)", expected: "well-formed facts")]
    }
    var problems: [Mismatch] = []
    let fingerprint = Fingerprint(wanted)
    if statement.fingerprint != fingerprint {
      problems.append(
        Mismatch(
          "fingerprint", found: "\(statement.fingerprint)", expected: "\(fingerprint)"))
    }
    for field in FingerprintField.allCases where field.isInGpkg {
      let found = description.fields[field]
      if found != wanted[field] {
        problems.append(Mismatch(field.rawValue, found: found, expected: wanted[field]))
      }
    }
    return problems
  }

  private static func statementProblems(
    _ description: GpkgDescription, _ statement: BuildStatement
  ) -> [Mismatch] {
    var problems: [Mismatch] = []
    if description.buildTime != statement.buildTime {
      problems.append(
        Mismatch(
          "BUILD_TIME", found: "\(description.buildTime.seconds)",
          expected: "\(statement.buildTime.seconds)"))
    }
    if description.agreement != statement.agreement {
      problems.append(
        Mismatch(
          "agreement digest", found: description.agreement.hex, expected: statement.agreement.hex))
    }
    if description.libc != statement.judged.libc {
      problems.append(
        Mismatch(
          "libc bound in RDEPEND", found: text(description.libc),
          expected: text(statement.judged.libc)))
    }
    if description.isBoundToCompiler, !statement.judged.isBoundToCompiler {
      problems.append(
        Mismatch(
          "archives, modules or plugins", found: "present", expected: "none, as was stated"))
    }
    return problems
  }

  private static func hostProblems(
    _ description: GpkgDescription, _ planned: PackageFacts, _ host: HostFacts
  ) -> [Mismatch] {
    var problems: [Mismatch] = []
    if let needed = description.libc {
      let fits = host.libc.map { installed in
        guard installed.package == needed.package, let have = try? Version(installed.version),
          let want = try? Version(needed.version)
        else { return false }
        return have >= want
      }
      if fits != true {
        problems.append(Mismatch("libc", found: "needs \(text(needed))", expected: text(host.libc)))
      }
    }
    for symbol in description.symbols {
      guard let libc = LibcSymbols.objection(to: symbol, libc: host.libc) else { continue }
      problems.append(
        Mismatch("symbol version", found: symbol, expected: "none newer than \(libc)"))
    }
    if let level = description.level, ["amd64", "x86"].contains(planned.target.arch) {
      let lacking = level.features.lacking(in: CPUFeatures(host: host.cpu.features))
      if let feature = lacking.first {
        problems.append(
          Mismatch(
            "ELF note of needed instruction sets", found: level.rawValue,
            expected: "no \(feature), which this CPU lacks"))
      }
    }
    for path in description.unreadableFiles.prefix(8) {
      problems.append(Mismatch("ELF file", found: path, expected: "one that can be checked"))
    }
    return problems
  }

  private static func libraryProblems(
    _ description: GpkgDescription, _ libraries: HostLibraries
  ) -> [Mismatch] {
    var provided = libraries.provided
    provided.formUnion(description.provides)
    var problems: [Mismatch] = []
    for soname in description.requires.missing(from: provided).prefix(32) {
      problems.append(
        Mismatch(
          "REQUIRES", found: "\(soname.category): \(soname.name)",
          expected: "a library that this host, the plan or the package itself provides"))
    }
    return problems
  }

  private static func text(_ libc: HostFacts.Libc?) -> String {
    libc.map { "\($0.package)-\($0.version)" } ?? "none"
  }
}
