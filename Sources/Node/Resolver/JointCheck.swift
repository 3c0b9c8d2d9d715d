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

  /// What the check says of one candidate.
  enum Finding: Sendable, Equatable {
    /// It may be listed.
    case sound
    /// The file is not what was stated: its issuer's fault, and it stays so.
    case wrong([Mismatch])
    /// It needs libraries that nothing else here provides. No statement names the libraries that a build
    /// found by chance, so nobody is to blame, and another plan may provide them.
    case lacking([Mismatch])
    /// It needs libraries only of builds that are lacking themselves: with another build of those it
    /// may stand.
    case following([Mismatch])
  }

  /// What is wrong with each candidate, in their order.
  static func findings(
    of candidates: [Candidate], host: HostFacts, installed: [InstalledPackage]
  ) -> [Finding] {
    func problems(of candidate: Candidate, with libraries: HostLibraries) -> [Mismatch] {
      GpkgCheck.problems(
        of: candidate.description, against: candidate.planned, statement: candidate.statement,
        host: host, libraries: libraries)
    }
    let installed = HostLibraries(installed: installed)
    var findings: [Finding] = candidates.map { candidate in
      // Which libraries there are makes no difference to these.
      let lasting = problems(of: candidate, with: installed).filter { $0.field != "REQUIRES" }
      return lasting.isEmpty ? .sound : .wrong(lasting)
    }
    var isFirst = true
    while true {
      let standing = candidates.indices.filter { findings[$0] == .sound }
      var libraries = installed
      for index in standing { libraries.insert(candidates[index].description) }
      var isStable = true
      for index in standing {
        let problems = problems(of: candidates[index], with: libraries)
        guard !problems.isEmpty else { continue }
        findings[index] = isFirst ? .lacking(problems) : .following(problems)
        isStable = false
      }
      if isStable { return findings }
      isFirst = false
    }
  }
}
