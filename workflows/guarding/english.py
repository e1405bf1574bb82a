"""Rules for English text, which is folded: lower case, without accents and hidden characters."""

from typing import Final

from workflows.guarding.rule import Rule, rule

_NEAR: Final = r"[^.!?\n]{0,40}?"
_IMPERATIVE: Final = r"""(?:^|[.!?:;,(\["'“‘>*_\-\])]|\b(?:please|now|and|then|must|should|shall|will|to|just|
        kindly|instead|
    also|always|you))[ \t]*(?:\d{1,2}[.)][ ])?"""
_READER: Final = r"""(?:a\.?i\.?|llms?|(?:large[ ])?language[ ]models?|assistants?|chat[ -]?bots?|bots?|chatgpt|gpt|
    claude|gemini|copilot|ai[ -](?:assistants?|models?|agents?|systems?)|virtual[ ]assistants?|summari[sz]ers?)"""
_REPLY: Final = r"(?:responses?|repl(?:y|ies)|outputs?|messages?|completions?|generations?|texts?)"
_ANSWER: Final = r"(?:answers?|responses?|repl(?:y|ies)|outputs?|messages?|summar(?:y|ies)|completions?)"
_ORDERS: Final = r"(?:instructions?|prompts?|directives?|guidelines?|commands?|orders)"
_ON: Final = r"(?:[^.!?\n]|[.!?](?=[^\s]))"
"""A character of the same sentence: a full stop inside an address ends none."""
_PLACE: Final = r"(?:https?://|www\.|[\w.+-]{1,60}@[\w-]{1,60}\.)"
_CHANGE: Final = r"""(?:add|append|insert|include|integrate|embed|incorporate|modify|augment|enhance|alter|
        amend|extend|
    replace|remove|substitute|scramble|jumble|rearrange|shuffle|anagram|misspell|group|combine|convert|render|encode|
    prefix|prepend|suffix|begin|start|end|finish|close|conclude|sprinkle|introduce|translate|reverse|sign|rewrite|
    use|provide|put|place|write|mention|suggest|tease|hint|offer|give|deliver|make|format|phrase|turn)"""

RULES: Final[tuple[Rule, ...]] = (
    rule(
        "override",
        "ignor disregard forget overrid bypass overrul neglect discard follow obey attention cancel drop aside "
        "skip supersede replace",
        rf"""\b(?:ignor(?:e|ing)|disregard(?:ing)?|forget|overrid(?:e|ing)|bypass|overrule|neglect|discard|
        do[ ]not[ ]follow|don't[ ]follow|stop[ ]following|stop[ ]obeying|do[ ]not[ ]obey|pay[ ]no[ ]attention[ ]to|
        cancel|drop|set[ ]aside|skip|supersedes?|replaces?)\b\s+
        (?:(?:all|any|every|each|of|the|your|these|those|my|other|and)\s+){{0,4}}
        (?:(?:previous(?:ly)?|prior|above|earlier|preceding|former|foregoing|initial|original|existing|system|
        given|current|old|safety|developer|everything)\b{_NEAR}){{1,3}}
        (?:{_ORDERS}|rules?|context|constraints?|restrictions?|guardrails?|polic(?:y|ies)|training|messages?|
        (?:tasks?|questions?|text|content|conversation)\b)""",
        spreads=True,
    ),
    rule(
        "override",
        "ignore disregard forget override bypass follow disobey",
        rf"""{_IMPERATIVE}(?:ignore|disregard|forget|override|bypass|do[ ]not[ ]follow|don't[ ]follow|disobey)\s+
        (?:(?:all|any|every|of|the|your|these|those|whatever)\s+){{0,3}}
        (?:{_ORDERS}|rules?[ ](?:above|you[ ](?:were|have)|given)|(?:everything|anything|all|what)
        [ ](?:that[ ])?(?:you[ ](?:were|have[ ]been|know|learned)|(?:above|before|said|written|stated)\b)|
        (?:the[ ])?(?:user|person)(?:'s)?[ ](?:question|request|query|message)|(?:safety|content)[ ]\w{{3,12}})""",
        spreads=True,
    ),
    rule(
        "override",
        "instruction prompt orders task role goal objective mission your rules",
        r"""\b(?:your[ ](?:new|real|true|only|actual|next|updated)[ ](?:instructions?|task|role|goal|objective|
        mission|
        job|purpose|identity|name)[ ](?:is|are|:)|(?:here[ ](?:is|are)|follow|obey)[ ](?:your|the|these)[ ]
        (?:new|updated|real)[ ](?:system[ ])?(?:instructions?|prompt|orders?|task)|
        new[ ]system[ ](?:instructions?|prompt|message|rules?)|(?:updated|revised)[ ](?:system[ ])(?:prompt|
        instructions?))""",
        spreads=True,
    ),
    rule(
        "override",
        "from",
        rf"""\bfrom[ ](?:now[ ]on|this[ ]point[ ](?:on|forward)|here[ ]on)\b[ ,]{{0,3}}(?:you[ ](?:are|will|
        must|shall|can[ ]only)\b|
        {_IMPERATIVE}?(?:respond|answer|reply|act[ ]as|speak[ ](?:only|in|like)|pretend|always[ ](?:respond|
        answer|reply|
        say|speak)|only[ ](?:respond|answer|reply|say|speak)))""",
        spreads=True,
    ),
    rule(
        "override",
        "you are",
        r"""\byou[ ]are[ ](?:now|henceforth|no[ ]longer|hereby)[ ](?:(?:a|an|the|in|my|called|
        acting[ ]as)[ ])?(?:\w{1,20}[ ]){0,3}?
        (?:assistant|a\.?i|bot|chatbot|model|persona|pirate|dan|hacker|agent|unrestricted|unfiltered|jailbroken|
        evil|bound|
        restricted|limited|required|uncensored|(?:developer|god|debug|admin|maintenance)[ ]mode|free[ ](?:from|
        of))\b""",
        spreads=True,
    ),
    rule(
        "override",
        "pretend imagine act behave respond roleplay role-play speak",
        rf"""{_IMPERATIVE}(?:pretend|imagine|act|behave|respond|roleplay|role-play|speak)\s+(?:(?:to[ ]be|as|
        like|that)\s+)?
        (?:(?:if|though)\s+)?(?:you(?:'re|[ ]are|[ ]were)\s+|(?:a|an|the)\s+)?(?:\w{{1,20}}\s+){{0,2}}?
        (?:unrestricted|unfiltered|uncensored|pirate|dan|different[ ](?:ai|assistant)|evil|(?:ai|assistant|chatbot)[ ]
        (?:without|with[ ]no)|no[ ](?:rules|restrictions|instructions))\b""",
        spreads=True,
    ),
    rule(
        "override",
        "anything mode",
        r"""\b(?:do[ ]anything[ ]now|jailbreak[ ]mode|(?:enter|enable|activate)[ ](?:dan|god|unrestricted|
        jailbreak)[ ]mode)\b""",
        spreads=True,
    ),
    rule(
        "override",
        "supersede override replace precedence priority",
        r"""\b(?:this|the[ ]following|these)[ ](?:message|note|text|instructions?|paragraphs?|lines?|document|page)[ ]
        (?:supersedes?|overrides?|replaces?|takes?[ ](?:precedence|priority)[ ]over|(?:has|
        have)[ ](?:a[ ])?higher[ ]priority[ ]than)
        [^.\n]{0,40}\b(?:instructions?|prompts?|rules|messages?|orders)\b""",
        spreads=True,
    ),
    rule(
        "addressed",
        "attention note notice message instruction hey dear hello hi, hi important reminder memo directive order request",
        rf"""(?:^|[.!?\n"'(\[{{*_>|-])[ \t*_(\[]{{0,12}}(?:attention|note|notice|message|instructions?|hey|dear|hello|
        hi|important|reminder|memo|
        directive|order|request)\b[ ,]{{0,2}}(?:(?:to|for|from)[ ])?(?:(?:the|all|any|every|my|whichever|
        an?)[ ]){{0,2}}
        {_READER}(?:[ ](?:reading|processing|assistant|model|agent|that|
        who)\b[^.:\n]{{0,40}})?[)\]*_ ]{{0,3}}\s*[:,;!.\u2014-]""",
        spreads=True,
    ),
    rule(
        "addressed",
        "ai a.i. llm model assistant bot gpt claude gemini copilot summari",
        rf"""^[ \t>*#_|(\[-]{{0,12}}(?:\d{{1,3}}[.)][ ])?(?:{_READER})[)\]*_]{{0,3}}\s*[:,]\s*(?:please|you[ ]|
        ignore|do[ ]not|don't|
        when[ ]|if[ ]|always|
        never|must|answer|reply|respond|say[ ]|tell|write|stop|send|call|use[ ]|add|append|include|forget|
        reveal|print|output|
        translate|recommend|summari[sz]e|mention|from[ ]now|this[ ](?:note|is)|your|i[ ](?:need|want|order))""",
        spreads=True,
    ),
    rule(
        "addressed",
        "ai a.i. llm model assistant bot gpt claude gemini copilot summari",
        rf"""\b(?:if|since|because|in[ ]case)[ ]you(?:'re|[ ]are)[ ](?:really[ ]|
        reading[ ]this[ ]as[ ])?(?:an?[ ]|the[ ])?
        (?:\w{{1,12}}[ ])?{_READER}\b|\bas[ ]an?[ ]{_READER}\b[ ,]{{0,2}}you[ ](?:must|should|will|are|have|need)|
        \b(?:any|every|whichever|whatever|all)[ ]{_READER}[ ](?:that|who|which|reading|processing|
        summari)[^.\n]{{0,60}}
        \b(?:this|these|must|should|shall)\b|\byou,?[ ]the[ ]{_READER}\b""",
        spreads=True,
    ),
    rule(
        "addressed",
        "assistant chatbot",
        r"""\bthe[ ](?:ai[ ])?(?:assistant|chatbot)[ ](?:reading[ ]\w{1,12}[ ](?:\w{1,12}[ ])?)?(?:must|
        is[ ](?:required|ordered|instructed|obliged)[ ]to|has[ ]to|
        shall|will[ ]now|needs[ ]to)[ ](?:now[ ]|always[ ]|never[ ]|not[ ]|only[ ])?(?:reply|answer|respond|say|
        tell|include|add|write|call|use|send|output|
        print|recommend|mention|ignore|append|forward|reveal|delete|approve|state|claim)""",
        spreads=True,
    ),
    rule(
        "addressed",
        "user reader human person",
        rf"""{_IMPERATIVE}(?:tell|inform|assure|convince|persuade|advise|warn|urge|instruct|ask|direct|send|
        encourage)\s+
        (?:(?:the|all|every|each|any|your)\s+)?(?:users?|reader[ ]of[ ]your|humans?|person[ ](?:asking|
        who[ ]asks))\b\s+(?:that|to|about|it|they)""",
        spreads=True,
    ),
    rule(
        "addressed",
        "user",
        r"""\b(?:when|if|whenever|once|as[ ]soon[ ]as)[ ](?:the[ ]|a[ ]|
        any[ ])?users?[ ]asks?\b[^.\n]{0,60}[, ](?:say|reply|answer|tell|respond|claim|
        state|call|always|never|recommend|insist|you[ ]must)\b""",
        spreads=True,
    ),
    rule(
        "addressed",
        "user human person",
        r"""\bdo(?:[ ]not|n't)[ ](?:ever[ ])?(?:tell|inform|alert|notify|warn|let|(?:mention|reveal|disclose|
        show|report)[ ](?:this|it|that|these\b[^.\n]{0,30})[ ]to|
        mention[ ]to)[ ](?:the[ ])?(?:user|human|person[ ]asking)|\bwithout[ ](?:asking|telling|informing|
        notifying|alerting|
        (?:asking[ ]for[ ]|requesting[ ])?(?:confirmation|approval|permission)[ ]from|
        the[ ]knowledge[ ]of)[ ](?:the[ ])?(?:user|human)""",
    ),
    rule(
        "role",
        "system assistant developer admin root operator",
        r"""^[ \t>*#_`|(\[{-]{0,12}(?:\d{1,3}[.)][ ])?(?:system|assistant|developer|administrator|admin|root|operator)
        (?:[ _](?:prompt|message|note|override|instructions?|notice|alert|update|
        command))?[ \t*_`)\]}]{0,6}[:>]\s{0,3}
        (?:you[ ]|you're|your[ ]|ignore|disregard|forget|from[ ]now|new[ ]|always|never|do[ ]not|don't|please|
        respond|reply|answer|
        the[ ](?:assistant|user|ai)|override|reveal|print|call|send|say[ ]|all[ ](?:previous|prior)|
        this[ ]conversation|stop|
        sure|of[ ]course|i[ ]will|i'll|as[ ]requested|certainly|emergency)""",
        spreads=True,
    ),
    rule(
        "role",
        "begin start end",
        r"""^[\W_]{2,40}(?:begin|start|end)(?:[ _-]{1,2}of)?[ _-]{1,2}(?:the[ _-])?(?:system|user|assistant|
        retrieved|untrusted|trusted)?[ _-]{0,2}
        (?:prompts?|instructions?|context|passages?|messages?|input|data|conversation)[ ]{0,2}[\W_]{2,40}$""",
        spreads=True,
    ),
    rule(
        "role",
        "#",
        r"^\#{1,6}[ ]{0,3}(?:system|instruction|response|human|assistant)[ ]{0,2}:[ ]{0,3}(?:$|\S)",
        spreads=True,
    ),
    rule(
        "exfiltration",
        "![",
        r"""!\[[^\]\n]{0,200}\]\(\s{0,3}(?:https?:)?//[^)\n]{0,300}(?:\{|%7b|\$\(|<[a-z]|\[[a-z]|[?&](?:data|
        secret|answer|question|
        prompt|notes?|history|conversation|leak|exfil\w{0,8}|stolen|context|chat)=)""",
    ),
    rule(
        "exfiltration",
        ":// www. @",
        rf"""{_IMPERATIVE}(?:send|forward|upload|post|e-?mail|transmit|submit|exfiltrate|leak|copy|share|report|
        deliver|append|encode|attach|put)\s+
        [^.!?\n]{{0,30}}?\b(?:notes?|conversations?|chats?|questions?|quer(?:y|ies)|data|files|history|
        passwords?|credentials|api[ ]keys?|
        secrets?|threads?|memor(?:y|ies)|tokens?|contents?|answers?|documents?|
        details)\b[^!?\n]{{0,60}}?\b(?:to|at|via|into|in|as)\s[^!?\n]{{0,50}}?{_PLACE}""",
    ),
    rule(
        "exfiltration",
        ":// www. @",
        rf"""{_IMPERATIVE}(?:add|append|include|insert|embed|put|place|render|show|display|attach|provide|give|
        load|fetch|open|finish|end|close)\b
        [^.!?\n]{{0,60}}?\b(?:links?|images?|pictures?|urls?|markdown|banners?|buttons?|pixels?)\b[^!?\n]{{0,100}}?
        (?:\b(?:answers?|repl(?:y|ies)|responses?|users?|summary)\b[^!?\n]{{0,100}}?{_PLACE}|
        {_PLACE}[^!?\n]{{0,100}}?\b(?:answers?|repl(?:y|ies)|responses?|users?|summary)\b)""",
    ),
    rule(
        "tool",
        "call invoke trigger execute run use start",
        rf"""{_IMPERATIVE}(?:call|invoke|trigger|execute|run|use|start)\s+(?:the\s+|a\s+|your\s+)?
        (?:[`'"]?[a-z][a-z0-9]{{1,20}}_[a-z0-9_]{{1,40}}[`'"]?(?:\(|\s+(?:tool|function|plugin|command|action)\b|
        \s+(?:to|with|on|and)\b)|
        (?:[`'"]?[\w-]{{2,30}}[`'"]?\s+){{0,3}}(?:tools?|plugins?|mcp\s+server)\s+(?:to[ ](?:send|delete|
        forward|email|write|remove|upload|fetch|download|post)|now|immediately|without|with[ ]the[ ](?:argument|
        parameter)))""",
    ),
    rule(
        "tool",
        'tool function invoke "name"',
        r"""<\s{0,2}/?\s{0,2}(?:tool_calls?|tool_use|function_calls?|invoke|tool_results?|tool_response)\b|
        "(?:tool_calls?|function_call|tool_name)"\s{0,3}:|
        \{\s{0,5}"name"\s{0,3}:\s{0,3}"\w{1,60}"\s{0,3},\s{0,5}"(?:arguments|parameters|input)"\s{0,3}:""",
    ),
    rule(
        "tool",
        "delete erase wipe remove overwrite destroy purge edit change",
        rf"""{_IMPERATIVE}(?:delete|erase|wipe|remove|overwrite|destroy|purge|edit|change)\s+
        (?:all\s+(?:of\s+)?(?:the\s+|your\s+|their\s+|his\s+|her\s+)?|every\s+|
        the\s+user(?:'s)?\s+)(?:\w{{1,20}}\s+){{0,2}}?
        (?:notes?|threads?|memor(?:y|ies)|conversations?|chats?)\b""",
    ),
    rule(
        "tool",
        "approv confirm accept authori grant permission",
        rf"""{_IMPERATIVE}(?:auto-?)?(?:approve|confirm|accept|authori[sz]e|grant)\s+(?:(?:this|the|all|any|
        every|each)\s+){{1,2}}(?:\w{{1,20}}\s+){{0,2}}?
        (?:requests?|tools?(?:[ ]calls?)?|actions?|calls?|approvals?|pending|operations?)\b|
        \b(?:approval|confirmation|permission)[ ](?:has[ ](?:already[ ])?been[ ](?:given|granted)|
        is[ ](?:already[ ]given|already[ ]granted|not[ ](?:needed|required|necessary)))
        [^.\n]{{0,40}}\b(?:tools?|calls?|actions?|proceed|run)\b""",
    ),
    rule(
        "prompt",
        "prompt instruction rule message guideline configuration",
        rf"""{_IMPERATIVE}(?:reveal|print|show|repeat|output|display|disclose|leak|expose|tell\s+(?:me|us|them)|
        give\s+(?:me|us)|write\s+(?:out|down)|dump|return|
        recite|translate|summari[sz]e|paste|share|quote|include|list|copy|send|encode|state|
        read\s+out)\b[^.!?\n]{{0,40}}?
        \b(?:system\s+(?:prompt|message|instructions?)|(?:your|the)\s+(?:(?:initial|hidden|original|secret|
        internal|system|full|exact|developer|confidential|entire|complete|own)\s+){{1,3}}
        (?:prompts?|instructions?|rules?|messages?|guidelines?)|your\s+(?:prompts?|instructions|rules|
        guidelines|configuration)|
        (?:instructions?|prompts?|rules)\s+(?:you\s+(?:were|have\s+been|are)\s+given|above\s+this|at\s+the\s+top))""",
    ),
    rule(
        "prompt",
        "your",
        r"""\bwhat\s+(?:is|are|was|were)\s+your\s+(?:(?:system|initial|original|hidden|secret|
        exact)\s+){0,2}(?:prompts?|instructions)\b""",
    ),
    rule(
        "prompt",
        "above before preceding prior",
        rf"""{_IMPERATIVE}(?:repeat|print|output|copy|recite|write|echo)\s+(?:out\s+|back\s+)?(?:everything|
        all\s+(?:the\s+)?(?:text|words)|the\s+(?:words|text|lines|content)|
        (?:all|what)\s+(?:is\s+|was\s+)?(?:that\s+is\s+)?(?:written|said)?)\s*(?:that\s+(?:comes?|came|
        stands?)\s+)?(?:above|before\s+this|preceding|prior\s+to)""",
    ),
    rule(
        "form",
        "your",
        rf"""(?:^|[.!?:;\n"'“(>*-])[ \t*_>-]{{0,6}}(?:please[ ]|always[ ]|you[ ]must[ ](?:always[ ])?|
        also,?[ ])?{_CHANGE}\b{_ON}{{0,160}}?
        \b(?:in|into|to|of|from|with|at|throughout|for|using|by|between)?\s{{0,2}}(?:(?:every|each|
        all)[ ](?:of[ ])?)?your[ ](?:\w{{1,12}}[ ]){{0,1}}{_REPLY}\b""",
        exam=True,
    ),
    rule(
        "form",
        "your",
        r"""(?:^|[.!?:;\n"'“(>*-])[ \t*_>-]{0,6}(?:please[ ])?(?:in|at[ ]the[ ](?:end|beginning|start|top|
        bottom)[ ]of|before|after|throughout|with)[ ]
        (?:(?:every|each|all)[ ](?:of[ ])?)?your[ ](?:\w{1,12}[ ])?(?:responses?|repl(?:y|ies)|answers?|
        outputs?)[ ,]{1,2}
        (?:please[ ]|also[ ]|always[ ])?(?:add|suggest|mention|tease|include|recommend|promote|claim|write|say|
        use|insert|refer|point|tell|urge|ask|link|invite|put|state)\b""",
        exam=True,
    ),
    rule(
        "form",
        "your",
        rf"""(?:^|[.!?:;\n"'“(>*-])[ \t*_>-]{{0,6}}(?:please[ ]|always[ ])?(?:modify|augment|enhance|integrate|
        scramble|jumble|rearrange|anagram|misspell|shuffle|alter)\b
        {_ON}{{0,160}}?\byour[ ](?:\w{{1,12}}[ ])?{_ANSWER}\b""",
    ),
    rule(
        "form",
        "your",
        rf"""(?:^|[.!?:;\n"'“(>*-])[ \t*_>-]{{0,6}}(?:please[ ]|
        always[ ])?{_CHANGE}\b{_ON}{{0,20}}?["“'][^"”\n]{{4,200}}["”']{_ON}{{0,80}}?
        \b(?:to|in|into|at|of|with)\s{_ON}{{0,30}}?(?:your|every|each|all)[ ](?:\w{{1,12}}[ ])?{_ANSWER}\b""",
    ),
    rule(
        "form",
        "your",
        rf"""\byour[ ]{_ANSWER}(?:'s)?\b{_ON}{{0,40}}?\b(?:anagram|typos?|misspell|vowels?|in[ ]fours|
        sets[ ]of[ ]three|without[ ](?:any[ ])?(?:spaces|punctuation|vowels)|
        base64|rot13|morse|backwards|upper[ ]?case|all[ ]caps|emojis?|pirate|alphanumeric|homophonic|symbols|
        gibberish|leet)\w{{0,8}}|
        \b(?:anagram\w{{0,4}}|typos?|misspell\w{{0,6}}|letters|vowels?|spaces|every[ ](?:third|fourth|fifth|
        second)[ ](?:word|letter)|base64|rot13|morse|emojis?|
        alphanumeric)\b{_ON}{{0,60}}?\b(?:in|of|from|to|for|with|into|on)[ ]your[ ](?:\w{{1,12}}[ ])?{_ANSWER}\b|
        \b(?:the[ ])?letters[ ]of[ ]your[ ]{_ANSWER}\b""",
    ),
    rule(
        "form",
        "your",
        rf"""(?:^|[.!?:;\n"'“(>*-])[ \t*_>-]{{0,6}}(?:please[ ]|always[ ])?{_CHANGE}[ ](?:a|an|the|one|some|
        this|another)[ ](?:\w{{1,15}}[ ]){{0,2}}?
        (?:sentence|statement|paragraph|headline|phrase|line|link|reminder|tip|appeal|reason|recommendation|
        advertisement|advert|slogan|joke|warning|disclaimer)s?\b
        {_ON}{{0,80}}?\b(?:in|into|to|at|with|of)\s{_ON}{{0,20}}?your[ ]{_ANSWER}\b""",
    ),
    rule(
        "form",
        "respond reply",
        r"""(?:^|[.!?:;\n"'“(>*-])[ \t*_>-]{0,6}(?:please[ ]|always[ ]|only[ ]|you[ ]must[ ](?:only[ ]|
        always[ ])?)?(?:respond|reply)[ ](?:only[ ]|to[ ]every[^.\n]{1,30}[ ]|to[ ]all[^.\n]{1,30}[ ])?
        (?:in|with|using|as|like)[ ](?:only[ ]|just[ ]|nothing[ ]but[ ])?(?:the[ ](?:word|phrase|single)|
        all[ ]caps|upper|emojis?|base64|morse|french|german|
        spanish|italian|russian|chinese|korean|latin|klingon|pirate|a[ ]pirate|rhymes?|haikus?|poems?|json|xml|
        leet|gibberish|["“'])""",
        exam=True,
    ),
    rule(
        "form",
        "answer start begin end finish conclude close",
        r"""(?:^|[.!?:;\n"'“(>*-])[ \t*_>-]{0,6}(?:please[ ]|always[ ]|you[ ]must[ ](?:always[ ])?)?(?:answer|
        start|begin|end|finish|conclude|close)[ ]
        (?:all|every|each|any)[ ](?:\w{1,12}[ ])?(?:questions?|answers?|repl(?:y|ies)|responses?|messages?|
        sentences?)[ ](?:with|by|in|as)\b""",
        exam=True,
    ),
)

EXAM: Final = (
    r"\b(?:exams?|essays?|examin\w{2,6}|tests?|marks?|toe[fi][lc]|ielts|interview\w{0,3}|graders?|rubrics?|homework|"
    r"quiz(?:zes)?|thesis|students?|candidates?|scor(?:e|ing))\b"
)
"""A text with these words speaks of answers that people write."""
ATTACK: Final = (
    r"""(?:prompt[ -]?injections?|injections?\b|jailbreak\w{0,4}|attack\w{0,4}|adversar\w{2,5}|malicious|owasp|
        red[ -]team\w{0,3}|"""
    r"hijack\w{0,4}|exploit\w{0,4}|(?:planted|hidden|injected)[ ](?:text|instructions?|prompts?))"
)
"""A sentence with these words tells of orders to assistants, and gives none."""
EXAMPLE: Final = (
    r"\b(?:e\.g\.|such[ ]as|for[ ](?:example|instance)|phrases?|like|says?|said|examples?|called|saying|strings?|"
    r"tokens?|templates?|marks?)(?!\w)"
)
"""In front of quoted words: they are mentioned."""
