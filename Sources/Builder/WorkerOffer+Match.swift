import Trust

extension WorkerOffer {
  /// Whether this worker can build the request: same CHOST, a repository of that name, and every
  /// CPU feature that the flags use, since a build may run what it compiled.
  public func fits(_ request: BuildRequest) -> Bool {
    guard chost == request.facts.chost, repositories.contains(request.facts.repository) else {
      return false
    }
    let own = Set(features)
    return request.facts.cpu.features.allSatisfy(own.contains)
  }
}
