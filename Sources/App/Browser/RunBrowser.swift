import Browser
import Glibc
import History
import S3
import Storage
import SystemPackage
import Terminal
import TextUI

/// What the command line says about how the browser begins.
struct BrowserStart: Sendable {
  var place: S3URI?
  var showsUTC: Bool
  /// Goes on with transfers when one quits.
  var successor: Successor
}

/// Opens the browser and returns the exit status once it has been quit.
///
/// Each switch to other settings ends one browser and begins another on the same terminal; the
/// transfers of the one go on in the other. Unless a place is named, each begins where its profile
/// was left, also in an earlier run.
///
/// - Throws: ``CommandFailure`` where there is no terminal to draw on.
@MainActor
func runBrowser(
  _ session: Session, _ start: BrowserStart, openSession: @escaping BrowserRuntime.SessionOpener
) async throws(CommandFailure) -> Int32 {
  let terminal = try openTerminal(session.settings)
  let listener = TerminalListener()
  let input = Task {
    for await event in terminal.events { listener.deliver(event) }
  }
  defer { input.cancel() }
  var session = session
  var wish = start.place.map { Place(bucket: $0.bucket, prefix: $0.key) }
  var successor = start.successor
  var isDetached = false
  let transfers = ProcessTransfers()
  let server = session.settings.runFolder.map { TransferServer($0, transfers, staysOpen: false) }
  let serving = Task { await server?.run() }
  while true {
    await transfers.begin(session.service, named: name(of: session), successor: successor)
    let whereabouts = PlacesFile.Whereabouts(
      profile: session.settings.profile, endpoint: "\(session.endpoint)")
    let lastPlace = LastPlace(at: session.settings.placesPath, of: whereabouts)
    let runtime = BrowserRuntime(
      state: BrowserState(facts: facts(session, start), size: terminal.size), terminal: terminal,
      service: session.service, transfers: transfers, server: server,
      bookmarks: Bookmarks(at: session.settings.bookmarksPath, of: whereabouts),
      lastPlace: lastPlace,
      hasHistory: session.settings.historyPath?.isThere ?? false,
      runFolder: session.settings.runFolder, openSession: openSession)
    session.notices.show(with: { [weak runtime] in runtime?.notice($0) })
    if isDetached { runtime.deliver(.hungUp) }
    listener.listen(runtime)
    let ending = await runtime.run(
      startingAt: wish ?? lastPlace.place, wasLeft: wish == nil)
    switch ending {
    case .quit(let status):
      serving.cancel()
      await serving.value
      return status
    case .switched(let next, let hasLostTerminal):
      session = next
      isDetached = hasLostTerminal
      successor = start.successor.switched(to: next.settings)
      wish = nil
    }
  }
}

/// What its transfers are told apart by once there is another session.
private func name(of session: Session) -> String {
  session.settings.profile ?? session.endpoint.hostAndPort
}

/// Hands what the terminal brings to the browser of the moment.
@MainActor
private final class TerminalListener {
  private var runtime: BrowserRuntime?
  /// Came before there was one.
  private var waiting: [TerminalEvent] = []

  func listen(_ runtime: BrowserRuntime) {
    self.runtime = runtime
    for event in waiting { runtime.deliver(event) }
    waiting = []
  }

  func deliver(_ event: TerminalEvent) {
    if let runtime { runtime.deliver(event) } else { waiting.append(event) }
  }
}

/// Shows why Pail cannot start work, until the user has read it.
@MainActor
func showSetup(
  _ problem: SetupProblem, _ settings: Settings
) async throws(CommandFailure) -> Int32 {
  let terminal = try openTerminal(settings)
  defer { terminal.close() }
  let screen = SetupScreen(
    message: problem.message, whereLooked: problem.whereLooked, recovery: problem.recovery)
  terminal.show(screen.view(terminal.size))
  for await event in terminal.events {
    switch event {
    case .input(.key(let press)) where press.key == .control("z"): terminal.suspend()
    case .input(.key(let press)) where screen.isQuit(press) || press.key == .escape:
      return CommandRunner.Status.failed
    case .input(.resize(let size)): terminal.show(screen.view(size))
    case .input, .resumed: break
    case .hungUp: return CommandRunner.Status.failed
    case .terminationRequested(let signal): return 128 + signal
    }
  }
  return CommandRunner.Status.failed
}

@MainActor
private func openTerminal(_ settings: Settings) throws(CommandFailure) -> TerminalSession {
  var environment = TerminalSession.processEnvironment
  // A file of settings says it as well as the environment.
  if !settings.wantsColour { environment["NO_COLOR"] = "1" }
  do {
    return try TerminalSession(
      theme: .preferred(environment: environment),
      colours: .detected(environment: environment), environment: environment)
  } catch {
    throw CommandFailure("\(error)")
  }
}

private func facts(_ session: Session, _ start: BrowserStart) -> BrowserFacts {
  let settings = session.settings
  let loginName = Author.current(user: nil).user
  return BrowserFacts(
    profile: settings.profile, endpoint: session.endpoint, region: settings.region,
    user: session.author.user,
    loginName: loginName, isReadOnly: settings.isReadOnly,
    colour: settings.colour, profiles: settings.profileNames,
    choice: SessionChoice(
      profile: settings.profile ?? "", endpointURL: settings.endpointFlag ?? "",
      region: settings.regionFlag ?? "", user: settings.user ?? ""),
    saveFolder: settings.saveFolder, localFolder: ".",
    clock: start.showsUTC ? .utc : .local(offset: secondsEastOfUTC),
    endsAtLogout: LoginManager.endsThisProcess(of: loginName))
}

/// In the time zone of this machine, summer time included.
private func secondsEastOfUTC(_ secondsSince1970: Int64) -> Int {
  var time = time_t(secondsSince1970)
  var local = tm()
  guard localtime_r(&time, &local) != nil else { return 0 }
  return local.tm_gmtoff
}
