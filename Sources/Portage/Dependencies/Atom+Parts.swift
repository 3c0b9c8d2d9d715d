extension Atom {
  static func takeUse(_ rest: inout Substring) throws(ParseError) -> [UseDependency] {
    guard rest.last == "]" else { return [] }
    guard let open = rest.firstIndex(of: "[") else { throw .use(String(rest)) }
    let inside = rest[rest.index(after: open)...].dropLast()
    var elements: [UseDependency] = []
    for part in inside.split(separator: ",", omittingEmptySubsequences: false) {
      guard let element = UseDependency(part) else { throw .use(String(inside)) }
      elements.append(element)
    }
    rest = rest[..<open]
    return elements
  }

  static func takeRepository(_ rest: inout Substring) throws(ParseError) -> String? {
    guard let colon = rest.lastIndex(of: ":"), colon > rest.startIndex else { return nil }
    let before = rest.index(before: colon)
    guard rest[before] == ":" else { return nil }
    let name = rest[rest.index(after: colon)...]
    guard NameRules.isRepository(name), NameRules.splitVersion(name) == nil else {
      throw .repository(String(name))
    }
    rest = rest[..<before]
    return String(name)
  }

  static func takeSlot(_ rest: inout Substring) throws(ParseError) -> SlotDependency? {
    guard let colon = rest.firstIndex(of: ":") else { return nil }
    let text = rest[rest.index(after: colon)...]
    guard let slot = SlotDependency(text) else { throw .slot(String(text)) }
    rest = rest[..<colon]
    return slot
  }

  static func takeBlocker(_ rest: inout Substring) -> Blocker? {
    for blocker in [Blocker.strong, .weak] where rest.hasPrefix(blocker.rawValue) {
      rest = rest.dropFirst(blocker.rawValue.utf8.count)
      return blocker
    }
    return nil
  }

  static func readPackage(
    _ text: Substring
  ) throws(ParseError) -> (PackageName, Bound?) {
    guard var comparison = takeComparison(text) else {
      guard let package = try? PackageName(text) else { throw .package(String(text)) }
      return (package, nil)
    }
    var rest = text.dropFirst(comparison.rawValue.utf8.count)
    if rest.last == "*" {
      guard comparison == .equal else { throw .package(String(text)) }
      comparison = .startsWith
      rest.removeLast()
    }
    guard let cpv = try? CPV(rest) else { throw .package(String(text)) }
    if comparison == .anyRevision, !cpv.version.revisionText.isEmpty {
      throw .package(String(text))
    }
    return (cpv.package, Bound(comparison, cpv.version))
  }

  private static func takeComparison(_ text: Substring) -> Comparison? {
    let inOrder: [Comparison] = [
      .lessOrEqual, .greaterOrEqual, .less, .greater, .equal, .anyRevision,
    ]
    return inOrder.first { text.hasPrefix($0.rawValue) }
  }
}

extension Atom {
  /// Whether package, version and slot fit; blockers, repository and USE are left to the caller.
  public func fits(_ cpv: CPV, slot other: Slot? = nil) -> Bool {
    guard cpv.package == package, bound.map({ $0.admits(cpv.version) }) ?? true else {
      return false
    }
    guard let wanted = slot?.slot, let other else { return true }
    guard wanted.name == other.name else { return false }
    return wanted.subslot.map { $0 == other.effectiveSubslot } ?? true
  }
}

extension Atom.Bound {
  /// Whether `other` is within the bound.
  public func admits(_ other: Version) -> Bool {
    switch comparison {
    case .less: other < version
    case .lessOrEqual: other <= version
    case .equal: other == version
    case .startsWith: isPrefix(of: other)
    case .anyRevision: other.isEqualIgnoringRevision(to: version)
    case .greaterOrEqual: other >= version
    case .greater: other > version
    }
  }

  /// Whether the text begins `other` and ends where one of its parts ends (PMS 9 §8.3.1).
  private func isPrefix(of other: Version) -> Bool {
    let (mine, theirs) = (version.text.utf8, other.text.utf8)
    guard theirs.starts(with: mine), let last = mine.last else { return false }
    guard let next = theirs.dropFirst(mine.count).first else { return true }
    guard NameRules.isAlphanumeric(next) else { return true }
    return NameRules.isDigit(last) != NameRules.isDigit(next)
  }
}
