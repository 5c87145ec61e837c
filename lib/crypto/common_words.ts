/** Words that guessing begins with. Sequences and keyboard rows are recognised as such and need not stand here. */
const text = `
password passwort passwd passw pass motdepasse contrasena senha parola wachtwoord losenord
letmein welcome willkommen bienvenue login admin administrator root user guest test tester testing default
changeme change secret secure security private access master server system computer internet google facebook
iloveyou loveyou love lovely babygirl baby angel princess prince sweet honey flower sunshine summer winter spring
autumn january february march april june july august september october november december monday tuesday wednesday
thursday friday saturday sunday dragon monkey shadow superman batman spiderman starwars pokemon naruto minecraft
football baseball basketball hockey soccer liverpool chelsea arsenal barcelona juventus michael jennifer jessica
jordan daniel thomas robert charlie andrew joshua matthew ashley nicole hannah amanda anthony william george
hunter ranger killer freedom whatever trustno hello hallo bonjour ciao mustang harley corvette ferrari porsche
mercedes pepper ginger cookie banana orange purple yellow silver golden cheese coffee chocolate buster tigger
maggie bailey rocket thunder diamond phoenix matrix merlin wizard magic soleil azerty qwertz asdf zxcv
london paris berlin america canada germany france company office money family friends forever happy lucky
christmas jesus blessed heaven samsung iphone nintendo playstation sealpost chat message messenger
correct horse battery staple
`;

/** All lower case, three letters or more. */
export const commonWords: ReadonlySet<string> = new Set(text.trim().split(/\s+/));
