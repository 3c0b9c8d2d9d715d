public import Trust

/// A finished package that is what was asked for, with the facts of its own build.
///
/// What the fingerprint holds is as in the request; compiler, flags, CPU features and recipe are those
/// of the builder, since only they are true of the file.
public struct FinishedBuild: Sendable, Equatable {
  /// What was asked for.
  public let request: BuildRequest
  /// What the builder's Portage says of the finished package.
  public let facts: PackageFacts

  /// The build of these facts; throws where it is no build of the request, naming the fields.
  public init(_ facts: PackageFacts, of request: BuildRequest) throws(Refusal) {
    let differences: [FingerprintFields.Difference]
    do {
      try facts.validate()
      differences = try Fingerprint.fields(of: request.facts)
        .differences(from: Fingerprint.fields(of: facts))
    } catch {
      throw .facts(error)
    }
    guard differences.isEmpty else { throw .differs(differences) }
    self.request = request
    self.facts = facts
  }

  /// Why a package is no build of a request.
  public enum Refusal: Error, Sendable, Equatable {
    /// The facts are unreadable or out of bounds.
    case facts(FactsError)
    /// These fields of the fingerprint are others than asked for.
    case differs([FingerprintFields.Difference])

    /// A line for each reason.
    public var reasons: [String] {
      switch self {
      case .facts(let error): [error.description]
      case .differs(let fields): fields.map(\.description)
      }
    }
  }
}

extension FinishedBuild.Refusal: CustomStringConvertible {
  /// One line for the user.
  public var description: String { reasons.joined(separator: "; ") }
}
