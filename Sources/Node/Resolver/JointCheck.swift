import Trust

/// The last look at fetched builds before Portage may see them, all of one plan together.
///
/// A library may come from another package of the same plan. Where that package falls out, whoever
/// needs its library falls out too, until those that are left provide for each other.
enum JointCheck {
  /// A fetched build.
  struct Candidate: Sendable {
    /// What was planned.
    let planned: PackageFacts
    /// What its issuer stated.
    let statement: BuildStatement
    /// What the file itself says.
    let description: GpkgDescription
  }

  /// What is wrong with each candidate, in their order; empty for those that may be listed.
  static func problems(
    of candidates: [Candidate], host: HostFacts, installed: [InstalledPackage]
  ) -> [[Mismatch]] {
    var problems = [[Mismatch]](repeating: [], count: candidates.count)
    while true {
      let standing = candidates.indices.filter { problems[$0].isEmpty }
      var libraries = HostLibraries(installed: installed)
      for index in standing { libraries.insert(candidates[index].description) }
      var isStable = true
      for index in standing {
        let candidate = candidates[index]
        problems[index] = GpkgCheck.problems(
          of: candidate.description, against: candidate.planned, statement: candidate.statement,
          host: host, libraries: libraries)
        if !problems[index].isEmpty { isStable = false }
      }
      if isStable { return problems }
    }
  }

  /// Whether the issuer signed what is not so. That a library is missing here is not its fault: no
  /// statement names the libraries that a build found by chance.
  static func blamesIssuer(_ problems: [Mismatch]) -> Bool {
    problems.contains { $0.field != "REQUIRES" }
  }
}
